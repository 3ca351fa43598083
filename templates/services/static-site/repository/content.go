package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:site
var embedded embed.FS

// page is one file of the site, as it is answered.
type page struct {
	name, etag string
	content    []byte
}

// content is the site: everything in the folder `site`, from memory.
type content struct{ pages map[string]page }

func newContent(_ Settings) Content {
	pages := map[string]page{}
	err := fs.WalkDir(embedded, "site", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := embedded.ReadFile(name)
		sum := sha256.Sum256(text)
		pages[strings.TrimPrefix(name, "site")] = page{name, fmt.Sprintf("%q", hex.EncodeToString(sum[:8])), text}
		return err
	})
	if err != nil {
		// The files are part of the program: they cannot be missing.
		panic(err)
	}
	return &content{pages}
}

// Route is one label of the metrics for all pages, because their number is not bounded.
func (c *content) Route(request *http.Request) string {
	if _, found := c.find(request.URL.Path); found {
		return "page"
	}
	return "other"
}

// ServeHTTP answers with the page: `/about` is `about.html`, and a folder is its `index.html`.
func (c *content) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	header := writer.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	header.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'self'")
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(writer, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	found, known := c.find(request.URL.Path)
	if !known {
		c.missing(writer)
		return
	}
	// The browser asks each time whether it has changed, which is one short answer.
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", found.etag)
	http.ServeContent(writer, request, found.name, time.Time{}, bytes.NewReader(found.content))
}

func (c *content) find(asked string) (page, bool) {
	clean := path.Clean("/" + asked)
	for _, name := range []string{clean, clean + ".html", path.Join(clean, "index.html")} {
		if found, known := c.pages[name]; known {
			return found, true
		}
	}
	return page{}, false
}

func (c *content) missing(writer http.ResponseWriter) {
	own, known := c.pages["/404.html"]
	if !known {
		http.Error(writer, "not found", http.StatusNotFound)
		return
	}
	writer.Header().Set("Content-Type", "text/html; charset=utf-8")
	writer.WriteHeader(http.StatusNotFound)
	_, _ = writer.Write(own.content)
}
