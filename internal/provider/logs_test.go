package provider_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
)

// logs are the lines that the provider showed to the user.
type logs struct {
	short func(string) string // where set, see [cloud.short]

	mu    sync.Mutex
	lines []string // "warn …", "status …", "info …"
}

// in is the context of a provider whose lines these are: the provider logs by [slog.Default], with it.
func (l *logs) in(ctx context.Context) context.Context { return context.WithValue(ctx, logsKey{}, l) }

type logsKey struct{}

// has reports whether a line contains all parts.
func (l *logs) has(parts ...string) bool {
	return slices.ContainsFunc(strings.Split(l.all(), "\n"), func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

// want fails the test unless a warning contains the text; "" wants no lines at all.
func (l *logs) want(t *testing.T, warning string) {
	t.Helper()
	if warning == "" && l.all() != "" || warning != "" && !l.has("warn", warning) {
		t.Errorf("shown, want %q:\n%s", warning, l.all())
	}
}

// shows fails the test unless a line contains all parts.
func (l *logs) shows(t *testing.T, parts ...string) {
	t.Helper()
	if !l.has(parts...) {
		t.Errorf("shown, want %q:\n%s", parts, l.all())
	}
}

func (l *logs) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
}

func (l *logs) all() string {
	l.mu.Lock()
	all := strings.Join(l.lines, "\n")
	l.mu.Unlock()
	if l.short != nil {
		all = l.short(all)
	}
	return all
}

// handler is the [slog.Handler] that adds to the logs of the context.
type handler struct{ kind string }

func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	l, ok := ctx.Value(logsKey{}).(*logs)
	if !ok {
		panic("nobody is shown: " + r.Message)
	}
	kind := h.kind
	if kind == "" {
		kind = strings.ToLower(r.Level.String())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, kind+" "+r.Message)
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == "kind" {
			h.kind = a.Value.String()
		}
	}
	return h
}

func (h handler) WithGroup(string) slog.Handler { return h }
