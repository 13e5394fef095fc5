package rest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Bounds of what an error's text shows of its parts, in characters.
const (
	maxText = 1000
	maxID   = 100
)

// Error is a call that failed.
type Error struct {
	// Service is the API's name.
	Service string
	// Method and URL name the call; URL is without query and user.
	Method, URL string
	// Status is the answer's, or 0 if there was none.
	Status int
	// Code, Message and RequestID are what the API says; each may be empty.
	Code, Message, RequestID string
	// Advice is one sentence of what to do, or empty.
	Advice string
	// Unclear: the call is a write that may have taken effect all the same.
	Unclear bool
	// Tries is how often the call was sent or tried to be sent.
	Tries int
	// RetryAfter is the wait that the API asked for, or 0.
	RetryAfter time.Duration
	// Err is the cause when it is not the API's refusal: a connection error, an
	// unreadable body, the caller's cancelled context.
	Err error

	// repeat: another try may help and does no harm.
	repeat bool
}

// Error tells everything on one line: the call, the answer, the advice. What comes
// from elsewhere is cut where it is too long.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s", e.Service, e.Method, oneLine(e.URL, maxText))
	if e.Status != 0 {
		b.WriteString(": " + strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Message != "" {
		b.WriteString(": " + oneLine(e.Message, maxText))
	}
	if e.Err != nil {
		b.WriteString(": " + oneLine(e.Err.Error(), maxText))
	}
	if notes := e.notes(); len(notes) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(notes, ", "))
	}
	if e.Advice != "" {
		b.WriteString("; " + e.Advice)
	}
	return b.String()
}

func (e *Error) notes() []string {
	var notes []string
	if e.Code != "" {
		notes = append(notes, "code "+oneLine(e.Code, maxID))
	}
	if e.RequestID != "" {
		notes = append(notes, "request id "+oneLine(e.RequestID, maxID))
	}
	if e.Tries > 1 {
		notes = append(notes, fmt.Sprintf("after %d tries", e.Tries))
	}
	if e.RetryAfter > 0 {
		notes = append(notes, fmt.Sprintf("the API asks to wait %s", e.RetryAfter))
	}
	if e.Unclear {
		notes = append(notes, "it may have taken effect")
	}
	return notes
}

// oneLine makes one line of text of what may be anything, no longer than most
// characters: line breaks, terminal escapes and the like become blanks.
func oneLine(s string, most int) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
	line := strings.Join(words, " ")
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return line
}

// Unwrap returns the cause, so that a cancelled context is found by [errors.Is].
func (e *Error) Unwrap() error { return e.Err }

// endedBy records that the caller's context ended (with err, nil if it did not)
// while another try was due. The last answer stays: it is why there was a wait.
func (e *Error) endedBy(err error) {
	switch {
	case err == nil || !e.repeat || errors.Is(e.Err, err):
	case e.Err == nil:
		e.Err = err
	default:
		e.Err = fmt.Errorf("%w; before that: %w", err, e.Err)
	}
}

// StatusIs tells whether err is an API's answer with one of these statuses.
func StatusIs(err error, status ...int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status != 0 && slices.Contains(status, e.Status)
}

// Unclear tells whether err is a write that may have taken effect although it
// failed: time-out, reset, 5xx, unreadable 2xx. The caller should look before it
// writes again.
func Unclear(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Unclear
}

// RetryAfter is the wait that the API asked for, or 0.
func RetryAfter(err error) time.Duration {
	var e *Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.RetryAfter
}

// MayPass tells whether the same call may succeed a little later, and does no harm
// then: the API was not reached, or busy, or its answer did not arrive whole.
func MayPass(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.repeat
}
