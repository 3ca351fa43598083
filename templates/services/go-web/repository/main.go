// Command service is a small HTTP server; web.go says what it answers.
package main

import (
	"context"
	"errors"
	"log"
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
	log.SetFlags(0)
	settings, err := settingsFromEnvironment(os.Getenv)
	if err != nil {
		log.Printf("settings: %v", err)
		os.Exit(2)
	}
	if err := run(settings); err != nil {
		log.Fatal(err)
	}
}

// run serves until the process is told to stop.
func run(settings Settings) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()

	application := NewApplication(settings)
	server := &http.Server{
		Addr:              net.JoinHostPort("", settings.Port),
		Handler:           application,
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() {
		<-stop.Done()
		// Kubernetes goes on sending requests here for a moment: say "not ready", and answer them.
		application.draining.Store(true)
		time.Sleep(settings.Drain)
		// The process ends either way; what is still open then has had its time.
		_ = server.Shutdown(context.Background())
	}()

	log.Printf("version %s listens on port %s", settings.Version, settings.Port)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
