package main

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Application answers HTTP requests.
type Application struct {
	settings Settings
	metrics  *Metrics
	tracer   *Tracer
	content  Content
	probes   map[string]http.HandlerFunc
	draining atomic.Bool
}

// Content is what is answered beside probes and metrics: a handler, and the route of a request as a label of metrics;
// paths that somebody tried out have to be one label.
type Content interface {
	http.Handler
	Route(request *http.Request) string
}

// NewApplication makes the service without its sockets.
func NewApplication(settings Settings, tracer *Tracer) *Application {
	a := &Application{settings: settings, metrics: NewMetrics(settings), tracer: tracer, content: newContent(settings)}
	a.probes = map[string]http.HandlerFunc{
		"/healthz": a.health,
		"/readyz":  a.readiness,
		"/metrics": a.count,
	}
	return a
}

// ServeHTTP answers and counts a request; what the cluster does not ask for all the time is logged and traced too.
func (a *Application) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	began, method := time.Now(), request.Method
	if !slices.Contains(methods, method) {
		// What somebody tried out is one label of the metrics.
		method = "other"
	}
	answer := &recorder{ResponseWriter: writer, status: http.StatusOK}
	if probe, found := a.probes[request.URL.Path]; found {
		probe(answer, request)
		a.metrics.Observe(method, request.URL.Path, answer.status, time.Since(began))
		return
	}
	route := a.content.Route(request)
	ctx, span := a.tracer.Start(request.Context(), method+" "+route, kindServer, request.Header.Get("traceparent"))
	defer span.End()
	a.content.ServeHTTP(answer, request.WithContext(ctx))
	took := time.Since(began)
	a.metrics.Observe(method, route, answer.status, took)
	span.Set("http.request.method", method)
	span.Set("http.response.status_code", answer.status)
	span.Set("http.route", route)
	span.Set("url.path", request.URL.Path)
	if answer.status >= http.StatusInternalServerError {
		span.Fail(http.StatusText(answer.status))
	}
	client, _, _ := net.SplitHostPort(request.RemoteAddr)
	slog.InfoContext(ctx, "request", "method", request.Method, "path", request.URL.Path, "status", answer.status,
		"seconds", took.Seconds(), "client", client)
}

func (a *Application) health(writer http.ResponseWriter, _ *http.Request) {
	reply(writer, http.StatusOK, map[string]string{"status": "alive"})
}

func (a *Application) readiness(writer http.ResponseWriter, _ *http.Request) {
	switch {
	case a.draining.Load():
		reply(writer, http.StatusServiceUnavailable, map[string]string{"status": "stopping"})
	case a.settings.Unready:
		reply(writer, http.StatusServiceUnavailable,
			map[string]string{"status": "not ready, as asked for by REHEARSE_FAULT"})
	default:
		reply(writer, http.StatusOK, map[string]string{"status": "ready"})
	}
}

func (a *Application) count(writer http.ResponseWriter, _ *http.Request) {
	writer.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := a.metrics.WriteTo(writer); err != nil {
		slog.Error("metrics: " + err.Error())
	}
}

func reply(writer http.ResponseWriter, status int, content map[string]string) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	if err := json.NewEncoder(writer).Encode(content); err != nil {
		slog.Error("answer: " + err.Error())
	}
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
