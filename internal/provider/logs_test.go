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

func capture(t *testing.T) *logs {
	l := &logs{}
	old := slog.Default()
	slog.SetDefault(slog.New(handler{l, ""}))
	t.Cleanup(func() { slog.SetDefault(old) })
	return l
}

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

// handler is the [slog.Handler] that adds to logs.
type handler struct {
	logs *logs
	kind string
}

func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(_ context.Context, r slog.Record) error {
	kind := h.kind
	if kind == "" {
		kind = strings.ToLower(r.Level.String())
	}
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	h.logs.lines = append(h.logs.lines, kind+" "+r.Message)
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
