package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func application(t *testing.T, environment map[string]string) *Application {
	t.Helper()
	settings, err := settingsFromEnvironment(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	return NewApplication(settings, NewTracer(func(string) string { return "" }, "dev"))
}

func get(a *Application, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

func TestSaysItsVersion(t *testing.T) {
	var said map[string]string
	answer := get(application(t, map[string]string{"VERSION": "1.2.3"}), "/")
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || said["version"] != "1.2.3" {
		t.Errorf("said %v, %v", said, err)
	}
}

func TestStatuses(t *testing.T) {
	unready := map[string]string{"REHEARSE_FAULT": "unready"}
	for name, test := range map[string]struct {
		environment map[string]string
		draining    bool
		path        string
		want        int
	}{
		"alive":                      {path: "/healthz", want: 200},
		"ready":                      {path: "/readyz?verbose", want: 200},
		"not ready while it stops":   {path: "/readyz", draining: true, want: 503},
		"answers while it stops":     {path: "/", draining: true, want: 200},
		"not ready when rehearsed":   {path: "/readyz", environment: unready, want: 503},
		"alive when rehearsed":       {path: "/healthz", environment: unready, want: 200},
		"unknown path":               {path: "/nothing-here", want: 404},
		"unknown path below a route": {path: "/healthz/more", want: 404},
	} {
		t.Run(name, func(t *testing.T) {
			a := application(t, test.environment)
			a.draining.Store(test.draining)
			if got := get(a, test.path).Code; got != test.want {
				t.Errorf("GET %s: %d, want %d", test.path, got, test.want)
			}
		})
	}
}

func TestCountsRequests(t *testing.T) {
	a := application(t, nil)
	get(a, "/")
	get(a, "/nothing-here")
	text := get(a, "/metrics").Body.String()
	for _, want := range []string{
		`service_info{version="dev",commit="unknown"} 1`,
		`http_requests_total{method="GET",path="/",status="200"} 1`,
		`http_requests_total{method="GET",path="other",status="404"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for name, text := range map[string]string{
		"PORT": "http", "DRAIN_SECONDS": "soon", "REHEARSE_FAULT": "everything",
	} {
		_, err := settingsFromEnvironment(func(asked string) string {
			if asked == name {
				return text
			}
			return ""
		})
		if err == nil || !strings.HasPrefix(err.Error(), name+":") {
			t.Errorf("%s=%s: %v", name, text, err)
		}
	}
}
