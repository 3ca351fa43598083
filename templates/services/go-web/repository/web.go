package main

import (
	"encoding/json"
	"log"
	"net/http"
	"sync/atomic"
	"time"
)

// Application answers HTTP requests.
type Application struct {
	settings Settings
	metrics  *Metrics
	routes   map[string]http.HandlerFunc
	draining atomic.Bool
}

// NewApplication makes the service without its sockets.
func NewApplication(settings Settings) *Application {
	a := &Application{settings: settings, metrics: NewMetrics(settings)}
	a.routes = map[string]http.HandlerFunc{
		"/":        a.root,
		"/healthz": a.health,
		"/readyz":  a.readiness,
		"/metrics": a.count,
	}
	return a
}

// ServeHTTP answers, counts and logs a request.
func (a *Application) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	began := time.Now()
	answer := &recorder{ResponseWriter: writer, status: http.StatusOK}
	path := request.URL.Path
	route, known := a.routes[path]
	if !known {
		// Paths that somebody tried out are one label of the metrics.
		path, route = "other", a.missing
	}
	route(answer, request)
	a.metrics.Observe(request.Method, path, answer.status, time.Since(began))
	if path == "/" || path == "other" {
		log.Printf("%s %s %q %d", request.RemoteAddr, request.Method, request.URL.Path, answer.status)
	}
}

func (a *Application) root(writer http.ResponseWriter, _ *http.Request) {
	reply(writer, http.StatusOK, map[string]string{
		"greeting": a.settings.Greeting,
		"version":  a.settings.Version,
		"commit":   a.settings.Commit,
	})
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
		log.Printf("metrics: %v", err)
	}
}

func (a *Application) missing(writer http.ResponseWriter, _ *http.Request) {
	reply(writer, http.StatusNotFound, map[string]string{"error": "not found"})
}

func reply(writer http.ResponseWriter, status int, content map[string]string) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	if err := json.NewEncoder(writer).Encode(content); err != nil {
		log.Printf("answer: %v", err)
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
