package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Settings is what the service is told by environment variables.
type Settings struct {
	Port     string
	Version  string
	Commit   string
	Greeting string
	Drain    time.Duration
	// Unready is for rehearsals: the service never becomes ready.
	Unready bool
}

func settingsFromEnvironment(getenv func(string) string) (Settings, error) {
	settings := Settings{
		Port:     cmp.Or(getenv("PORT"), "8080"),
		Version:  cmp.Or(getenv("VERSION"), version),
		Commit:   cmp.Or(getenv("COMMIT"), commit),
		Greeting: cmp.Or(getenv("GREETING"), "Hello"),
		Drain:    3 * time.Second,
	}
	if _, err := strconv.ParseUint(settings.Port, 10, 16); err != nil {
		return settings, fmt.Errorf("PORT: %q is not a port", settings.Port)
	}
	if text := getenv("DRAIN_SECONDS"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return settings, fmt.Errorf("DRAIN_SECONDS: %q is not a number", text)
		}
		settings.Drain = time.Duration(seconds * float64(time.Second))
	}
	switch fault := getenv("REHEARSE_FAULT"); fault {
	case "":
	case "unready":
		settings.Unready = true
	case "crash":
		return settings, errors.New("REHEARSE_FAULT: crash, as asked for")
	default:
		return settings, fmt.Errorf("REHEARSE_FAULT: %q is none of unready, crash", fault)
	}
	return settings, nil
}
