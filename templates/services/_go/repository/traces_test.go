package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const caller = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"

type sentSpan struct {
	TraceID, SpanID, ParentSpanID, Name string
	Kind                                int
	Attributes                          []attribute
}

type sentTraces struct {
	ResourceSpans []struct {
		Resource   struct{ Attributes []attribute }
		ScopeSpans []struct{ Spans []sentSpan }
	}
}

// collected runs something with a collector, and returns what that was sent.
func collected(t *testing.T, environment map[string]string, do func(*Tracer)) (sentTraces, *http.Request) {
	t.Helper()
	var taken sentTraces
	var asked *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		asked = request
		if err := json.NewDecoder(request.Body).Decode(&taken); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = server.URL
	tracer := NewTracer(func(name string) string { return environment[name] }, "1.2.3")
	do(tracer)
	tracer.Stop()
	return taken, asked
}

func spans(taken sentTraces) []sentSpan {
	if len(taken.ResourceSpans) == 0 {
		return nil
	}
	return taken.ResourceSpans[0].ScopeSpans[0].Spans
}

func TestARequestIsASpanOfItsCallersTrace(t *testing.T) {
	environment := map[string]string{"OTEL_SERVICE_NAME": "orders", "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20x"}
	taken, asked := collected(t, environment, func(tracer *Tracer) {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("traceparent", caller)
		a := application(t, nil)
		a.tracer = tracer
		a.ServeHTTP(httptest.NewRecorder(), request)
		a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/healthz", nil))
	})
	if asked.URL.Path != "/v1/traces" || asked.Header.Get("Authorization") != "Bearer x" {
		t.Errorf("asked %s with %v", asked.URL, asked.Header)
	}
	found := spans(taken)
	if len(found) != 1 || !strings.HasPrefix(found[0].Name, "GET ") || found[0].Kind != kindServer {
		t.Fatalf("sent %+v", found)
	}
	if got := found[0].TraceID + found[0].ParentSpanID; got != caller[3:35]+caller[36:52] {
		t.Errorf("it is of another trace: %s", got)
	}
	about := map[string]any{}
	for _, one := range taken.ResourceSpans[0].Resource.Attributes {
		about[one.Key] = one.Value["stringValue"]
	}
	if about["service.name"] != "orders" || about["service.version"] != "1.2.3" {
		t.Errorf("sent as %v", about)
	}
}

func TestWhatIsNotSampledIsNotSent(t *testing.T) {
	for name, test := range map[string]struct{ parent, sampler string }{
		"by the caller": {parent: strings.TrimSuffix(caller, "1") + "0"},
		"by the ratio":  {sampler: "parentbased_traceidratio"},
	} {
		t.Run(name, func(t *testing.T) {
			environment := map[string]string{"OTEL_TRACES_SAMPLER": test.sampler, "OTEL_TRACES_SAMPLER_ARG": "0"}
			taken, _ := collected(t, environment, func(tracer *Tracer) {
				_, span := tracer.Start(context.Background(), "work", kindServer, test.parent)
				span.End()
			})
			if found := spans(taken); len(found) != 0 {
				t.Errorf("sent %+v", found)
			}
		})
	}
}

func TestAHeaderThatIsNoneBeginsANewTrace(t *testing.T) {
	tracer := NewTracer(func(string) string { return "" }, "dev")
	ctx, outer := tracer.Start(context.Background(), "outer", kindServer, "00-zz")
	_, inner := tracer.Start(ctx, "inner", kindServer, caller)
	if len(outer.traceID) != 32 || inner.traceID != outer.traceID || inner.parentID != outer.spanID {
		t.Errorf("%s, %s", outer.Traceparent(), inner.Traceparent())
	}
}
