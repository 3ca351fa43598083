package main

import "net/http"

// content is what the service answers: replace it with your own.
type content struct {
	settings Settings
	routes   map[string]http.HandlerFunc
}

func newContent(settings Settings) Content {
	c := &content{settings: settings}
	c.routes = map[string]http.HandlerFunc{"/": c.root}
	return c
}

func (c *content) Route(request *http.Request) string {
	if _, known := c.routes[request.URL.Path]; known {
		return request.URL.Path
	}
	return "other"
}

func (c *content) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if route, known := c.routes[request.URL.Path]; known {
		route(writer, request)
		return
	}
	reply(writer, http.StatusNotFound, map[string]string{"error": "not found"})
}

func (c *content) root(writer http.ResponseWriter, _ *http.Request) {
	reply(writer, http.StatusOK, map[string]string{
		"greeting": c.settings.Greeting,
		"version":  c.settings.Version,
		"commit":   c.settings.Commit,
	})
}
