package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
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
	seconds  float64
}

// NewMetrics starts to count.
func NewMetrics(settings Settings) *Metrics {
	return &Metrics{
		info:     fmt.Sprintf("version=%q,commit=%q", settings.Version, settings.Commit),
		started:  time.Now(),
		requests: map[string]int{},
	}
}

// Observe counts a request that was answered.
func (m *Metrics) Observe(method, path string, status int, took time.Duration) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.requests[fmt.Sprintf("method=%q,path=%q,status=\"%d\"", method, path, status)]++
	m.seconds += took.Seconds()
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
	head("http_request_seconds_sum", "counter", "Time spent on them.")
	fmt.Fprintf(&text, "http_request_seconds_sum %f\n", m.seconds)
	written, err := io.WriteString(writer, text.String())
	return int64(written), err
}
