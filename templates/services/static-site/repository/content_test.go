package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func application(t *testing.T, environment map[string]string) *Application {
	t.Helper()
	nothing := NewTracer(func(string) string { return "" }, "dev")
	settings, err := settingsFromEnvironment(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	return NewApplication(settings, nothing)
}

func ask(a *Application, method, path string, header ...string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	request := httptest.NewRequest(method, path, nil)
	for index := 0; index+1 < len(header); index += 2 {
		request.Header.Set(header[index], header[index+1])
	}
	a.ServeHTTP(answer, request)
	return answer
}

func TestStatuses(t *testing.T) {
	unready := map[string]string{"REHEARSE_FAULT": "unready"}
	for name, test := range map[string]struct {
		environment map[string]string
		method      string
		draining    bool
		path        string
		want        int
	}{
		"the first page":           {path: "/", want: 200},
		"a page by its name":       {path: "/index", want: 200},
		"no page":                  {path: "/nothing-here", want: 404},
		"nothing outside":          {path: "/../main.go", want: 404},
		"nothing to write":         {path: "/", method: http.MethodPost, want: 405},
		"alive":                    {path: "/healthz", want: 200},
		"not ready while it stops": {path: "/readyz", draining: true, want: 503},
		"answers while it stops":   {path: "/", draining: true, want: 200},
		"not ready when rehearsed": {path: "/readyz", environment: unready, want: 503},
	} {
		t.Run(name, func(t *testing.T) {
			a := application(t, test.environment)
			a.draining.Store(test.draining)
			if got := ask(a, test.method, test.path).Code; got != test.want {
				t.Errorf("%s: %d, want %d", test.path, got, test.want)
			}
		})
	}
}

func TestWhatABrowserHasIsNotSentAgain(t *testing.T) {
	a := application(t, nil)
	first := ask(a, http.MethodGet, "/")
	again := ask(a, http.MethodGet, "/", "If-None-Match", first.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestPagesAreOneLabelOfTheMetrics(t *testing.T) {
	a := application(t, nil)
	for _, path := range []string{"/", "/index.html", "/nothing-here"} {
		ask(a, http.MethodGet, path)
	}
	text := ask(a, http.MethodGet, "/metrics").Body.String()
	for _, want := range []string{
		`http_requests_total{method="GET",path="page",status="200"} 2`,
		`http_requests_total{method="GET",path="other",status="404"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

// Links that lead nowhere are found here and not by readers.
func TestLinksLeadToPages(t *testing.T) {
	a := application(t, nil)
	links := regexp.MustCompile(`(?:href|src)="(/[^"#?]*)`)
	for name, one := range a.content.(*content).pages {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		for _, link := range links.FindAllStringSubmatch(string(one.content), -1) {
			if ask(a, http.MethodGet, link[1]).Code != http.StatusOK {
				t.Errorf("%s leads to %s, which is not there", name, link[1])
			}
		}
	}
	if _, err := fs.Stat(embedded, "site/index.html"); err != nil {
		t.Error(err)
	}
}
