// Command service is a small HTTP server; content.go says what it answers.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Set by the image's build.
var (
	version = "dev"
	commit  = "unknown"
)

func main() {
	setUpLogs(os.Stdout, os.Getenv("LOG_FORMAT"))
	settings, err := settingsFromEnvironment(os.Getenv)
	if err != nil {
		slog.Error("settings: " + err.Error())
		os.Exit(2)
	}
	if err := run(settings); err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}

// run serves until the process is told to stop.
func run(settings Settings) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()

	tracer := NewTracer(os.Getenv, settings.Version)
	defer tracer.Stop()
	application := NewApplication(settings, tracer)
	server := &http.Server{
		Addr:              net.JoinHostPort("", settings.Port),
		Handler:           application,
		ReadHeaderTimeout: 5 * time.Second,
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-stop.Done()
		// Kubernetes goes on sending requests here for a moment: say "not ready", and answer them.
		application.draining.Store(true)
		time.Sleep(settings.Drain)
		// The process ends either way; what is still open then has had its time.
		_ = server.Shutdown(context.Background())
	}()

	listener, err := net.Listen("tcp", server.Addr)
	if err != nil {
		return err
	}
	slog.Info("listens", "version", settings.Version, "port", listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	// Serve returns as soon as the end begins; what is at work goes on until Shutdown is done.
	<-stopped
	return nil
}
