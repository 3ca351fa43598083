package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Metrics counts requests for Prometheus.
type Metrics struct {
	info     string
	started  time.Time
	mutex    sync.Mutex
	requests map[string]int
	seconds  map[string]*histogram
}

// buckets are the upper ends of what a histogram counts, in seconds.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

type histogram struct {
	counts []int
	sum    float64
}

// NewMetrics starts to count.
func NewMetrics(settings Settings) *Metrics {
	return &Metrics{
		info:     fmt.Sprintf("version=%q,commit=%q", settings.Version, settings.Commit),
		started:  time.Now(),
		requests: map[string]int{},
		seconds:  map[string]*histogram{},
	}
}

// Observe counts a request that was answered.
func (m *Metrics) Observe(method, path string, status int, took time.Duration) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.requests[fmt.Sprintf("method=%q,path=%q,status=\"%d\"", method, path, status)]++
	labels := fmt.Sprintf("path=%q", path)
	counted := m.seconds[labels]
	if counted == nil {
		counted = &histogram{counts: make([]int, len(buckets)+1)}
		m.seconds[labels] = counted
	}
	index, _ := slices.BinarySearch(buckets, took.Seconds())
	counted.counts[index]++
	counted.sum += took.Seconds()
}

// WriteTo writes the counts in Prometheus' text format.
func (m *Metrics) WriteTo(writer io.Writer) (int64, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var text strings.Builder
	head := func(name, kind, help string) {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	head("service_info", "gauge", "What runs.")
	fmt.Fprintf(&text, "service_info{%s} 1\n", m.info)
	head("service_start_time_seconds", "gauge", "When it started.")
	fmt.Fprintf(&text, "service_start_time_seconds %d\n", m.started.Unix())
	head("http_requests_total", "counter", "Requests answered.")
	for _, labels := range slices.Sorted(maps.Keys(m.requests)) {
		fmt.Fprintf(&text, "http_requests_total{%s} %d\n", labels, m.requests[labels])
	}
	head("http_request_duration_seconds", "histogram", "How long they took.")
	for _, labels := range slices.Sorted(maps.Keys(m.seconds)) {
		counted, total := m.seconds[labels], 0
		for index, count := range counted.counts {
			total += count
			end := "+Inf"
			if index < len(buckets) {
				end = strconv.FormatFloat(buckets[index], 'g', -1, 64)
			}
			fmt.Fprintf(&text, "http_request_duration_seconds_bucket{%s,le=%q} %d\n", labels, end, total)
		}
		fmt.Fprintf(&text, "http_request_duration_seconds_sum{%s} %f\n", labels, counted.sum)
		fmt.Fprintf(&text, "http_request_duration_seconds_count{%s} %d\n", labels, total)
	}
	written, err := io.WriteString(writer, text.String())
	return int64(written), err
}
