package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Traces by OpenTelemetry's protocol (OTLP over HTTP, as JSON), where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.
// It knows what is needed here: spans, the caller's trace (traceparent), sampling, and a queue that is bounded and
// holds nothing up. Once you need more, go.opentelemetry.io/otel takes its place; the variables stay the same.

const (
	kindServer   = 2
	batch        = 512
	waiting      = 2048
	sendDelay    = time.Second
	sendDeadline = 5 * time.Second
)

var parentForm = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$`)

type spanKey struct{}

// Tracer makes spans, and sends those that are sampled from a goroutine of its own.
type Tracer struct {
	address  string
	headers  map[string]string
	resource []attribute
	ratio    float64
	ended    chan *Span
	stopping chan struct{}
	done     sync.WaitGroup
}

// Span is one piece of work, with a beginning and an end.
type Span struct {
	tracer                    *Tracer
	name                      string
	kind                      int
	traceID, spanID, parentID string
	sampled                   bool
	began, finished           time.Time
	attributes                []attribute
	failure                   string
}

type attribute struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

// NewTracer reads the variables of OpenTelemetry; without a collector it sends nothing.
func NewTracer(getenv func(string) string, version string) *Tracer {
	t := &Tracer{address: collector(getenv), headers: pairs(getenv("OTEL_EXPORTER_OTLP_HEADERS")), ratio: ratio(getenv)}
	about := pairs(getenv("OTEL_RESOURCE_ATTRIBUTES"))
	about["service.version"] = version
	if name := getenv("OTEL_SERVICE_NAME"); name != "" {
		about["service.name"] = name
	} else if about["service.name"] == "" {
		about["service.name"] = "unknown_service"
	}
	for key, value := range about {
		t.resource = append(t.resource, described(key, value))
	}
	t.ended, t.stopping = make(chan *Span, waiting), make(chan struct{})
	if t.address != "" {
		t.done.Add(1)
		go t.sendAll()
	}
	return t
}

// Start begins a span; `parent` is the traceparent that came from outside, for the outermost one.
func (t *Tracer) Start(ctx context.Context, name string, kind int, parent string) (context.Context, *Span) {
	span := &Span{tracer: t, name: name, kind: kind, spanID: random(8), began: time.Now()}
	if above := spanOf(ctx); above != nil {
		span.traceID, span.parentID, span.sampled = above.traceID, above.spanID, above.sampled
	} else if found := parentForm.FindStringSubmatch(parent); found != nil && strings.Trim(found[1], "0") != "" {
		flags, _ := strconv.ParseUint(found[3], 16, 8)
		span.traceID, span.parentID, span.sampled = found[1], found[2], flags&1 == 1
	} else {
		span.traceID = random(16)
		chance, _ := strconv.ParseUint(span.traceID[16:], 16, 64)
		span.sampled = t.address != "" && float64(chance) < t.ratio*(1<<64)
	}
	return context.WithValue(ctx, spanKey{}, span), span
}

// Stop sends what is left, for some seconds at most.
func (t *Tracer) Stop() {
	close(t.stopping)
	t.done.Wait()
}

// Traceparent is what the next service is told.
func (s *Span) Traceparent() string {
	flags := "00"
	if s.sampled {
		flags = "01"
	}
	return fmt.Sprintf("00-%s-%s-%s", s.traceID, s.spanID, flags)
}

// Set adds an attribute.
func (s *Span) Set(key string, value any) { s.attributes = append(s.attributes, described(key, value)) }

// Fail says why it did not work.
func (s *Span) Fail(text string) { s.failure = text }

// End hands the span over. Where the collector is away, work goes on and traces are lost.
func (s *Span) End() {
	s.finished = time.Now()
	if s.tracer.address == "" || !s.sampled {
		return
	}
	select {
	case s.tracer.ended <- s:
	default:
	}
}

func spanOf(ctx context.Context) *Span {
	span, _ := ctx.Value(spanKey{}).(*Span)
	return span
}

func (t *Tracer) sendAll() {
	defer t.done.Done()
	told := false
	for last := false; !last; {
		select {
		case <-t.stopping:
			last = true
		case <-time.After(sendDelay):
		}
		for spans := t.take(); len(spans) > 0; spans = t.take() {
			err := t.send(spans)
			if err != nil && !told {
				slog.Warn(fmt.Sprintf("traces are lost: %s does not take them: %v", t.address, err))
			}
			told = err != nil
			if err != nil && last {
				return
			}
		}
	}
}

func (t *Tracer) take() []map[string]any {
	spans := []map[string]any{}
	for len(spans) < batch {
		select {
		case span := <-t.ended:
			spans = append(spans, span.shape())
		default:
			return spans
		}
	}
	return spans
}

func (t *Tracer) send(spans []map[string]any) error {
	scope := map[string]any{"scope": map[string]any{"name": "service"}, "spans": spans}
	resource := map[string]any{"resource": map[string]any{"attributes": t.resource}, "scopeSpans": []any{scope}}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{resource}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range t.headers {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}

func (s *Span) shape() map[string]any {
	status := map[string]any{}
	if s.failure != "" {
		status = map[string]any{"code": 2, "message": s.failure}
	}
	return map[string]any{
		"traceId": s.traceID, "spanId": s.spanID, "parentSpanId": s.parentID, "name": s.name, "kind": s.kind,
		"startTimeUnixNano": strconv.FormatInt(s.began.UnixNano(), 10),
		"endTimeUnixNano":   strconv.FormatInt(s.finished.UnixNano(), 10),
		"attributes":        s.attributes, "status": status,
	}
}

func collector(getenv func(string) string) string {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return ""
	}
	address := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if base := strings.TrimRight(getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), "/"); address == "" && base != "" {
		address = base + "/v1/traces"
	}
	switch {
	case address == "":
		return ""
	case !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://"):
		slog.Warn(fmt.Sprintf("there are no traces: %q is not an http or https address", address))
		return ""
	case getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc":
		slog.Warn("there are no traces: OTEL_EXPORTER_OTLP_PROTOCOL is grpc; name the collector's port for HTTP")
		return ""
	}
	return address
}

func ratio(getenv func(string) string) float64 {
	sampler, text := getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG")
	switch {
	case strings.HasSuffix(sampler, "always_off"):
		return 0
	case !strings.HasSuffix(sampler, "traceidratio") || text == "":
		return 1
	}
	part, err := strconv.ParseFloat(text, 64)
	if err != nil {
		slog.Warn(fmt.Sprintf("OTEL_TRACES_SAMPLER_ARG: %q is not a number; every trace is sent", text))
		return 1
	}
	return part
}

func pairs(text string) map[string]string {
	found := map[string]string{}
	for _, pair := range strings.Split(text, ",") {
		name, value, given := strings.Cut(pair, "=")
		if plain, err := url.PathUnescape(strings.TrimSpace(value)); given && err == nil {
			found[strings.TrimSpace(name)] = plain
		}
	}
	return found
}

func described(key string, value any) attribute {
	switch value := value.(type) {
	case int:
		return attribute{key, map[string]any{"intValue": strconv.Itoa(value)}}
	default:
		return attribute{key, map[string]any{"stringValue": fmt.Sprint(value)}}
	}
}

func random(size int) string {
	content := make([]byte, size)
	_, _ = rand.Read(content)
	return hex.EncodeToString(content)
}
