package main

import (
	"context"
	"io"
	"log/slog"
)

// setUpLogs writes one JSON document a line, as log collectors read them; the format `text` is for people.
func setUpLogs(to io.Writer, format string) {
	rename := func(groups []string, attribute slog.Attr) slog.Attr {
		if len(groups) == 0 && attribute.Key == slog.MessageKey {
			attribute.Key = "message"
		}
		return attribute
	}
	var handler slog.Handler = slog.NewJSONHandler(to, &slog.HandlerOptions{ReplaceAttr: rename})
	if format == "text" {
		handler = slog.NewTextHandler(to, nil)
	}
	slog.SetDefault(slog.New(traced{handler}))
}

// traced adds the trace that a line belongs to.
type traced struct{ slog.Handler }

func (t traced) Handle(ctx context.Context, record slog.Record) error {
	if span := spanOf(ctx); span != nil && span.sampled {
		record.AddAttrs(slog.String("trace_id", span.traceID), slog.String("span_id", span.spanID))
	}
	return t.Handler.Handle(ctx, record)
}
