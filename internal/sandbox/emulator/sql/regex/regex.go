// Package regex replaces the regular expressions of go-mysql-server. The original
// compiles ICU from WebAssembly in its init, which costs every process that links it a
// third of a second, and MySQL's expressions are not TiDB's: TiDB uses [RE2], like Go.
//
// It has what go-mysql-server v0.20.0 calls. Positions count characters from 1.
//
// [RE2]: https://docs.pingcap.com/tidb/stable/string-functions/#regular-expression-compatibility-with-mysql
package regex

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// RegexFlags are the match_type of the SQL functions.
type RegexFlags uint32

const (
	RegexFlags_None             RegexFlags = 0
	RegexFlags_Case_Insensitive RegexFlags = 1 << iota
	RegexFlags_Multiline
	RegexFlags_Dot_All
	RegexFlags_Unix_Lines // no other line ends are known here
)

// Regex is an expression and the text that it is matched against.
type Regex = *expression

type expression struct {
	re   *regexp.Regexp
	text []rune
}

// CreateRegex returns an empty Regex. Go needs no buffer.
func CreateRegex(uint32) Regex { return &expression{} }

// SetRegexLeakHandler does nothing: there is nothing to leak.
func SetRegexLeakHandler(func()) {}

// Close does nothing.
func (e *expression) Close() error { return nil }

// SetRegexString compiles the expression. The error is TiDB's number 1139.
func (e *expression) SetRegexString(_ context.Context, text string, flags RegexFlags) (err error) {
	letters := ""
	for flag, letter := range map[RegexFlags]string{
		RegexFlags_Case_Insensitive: "i", RegexFlags_Multiline: "m", RegexFlags_Dot_All: "s",
	} {
		if flags&flag != 0 {
			letters += letter
		}
	}
	if letters != "" {
		text = "(?" + letters + ")" + text
	}
	if e.re, err = regexp.Compile(text); err != nil {
		return fmt.Errorf("Got error '%w' from regexp", err) //lint:ignore ST1005 as MySQL words it
	}
	return nil
}

// SetMatchString sets the text.
func (e *expression) SetMatchString(_ context.Context, text string) error {
	e.text = []rune(text)
	return nil
}

// Matches reports whether the expression matches.
func (e *expression) Matches(context.Context, int, int) (bool, error) {
	return e.re.MatchString(string(e.text)), nil
}

// IndexOf returns where a match begins or ends, or 0 for no match.
func (e *expression) IndexOf(_ context.Context, start, occurrence int, end bool) (int, error) {
	rest, match := e.find(start, occurrence)
	if match == nil {
		return 0, nil
	}
	at := match[0]
	if end {
		at = match[1]
	}
	return start + utf8.RuneCountInString(rest[:at]), nil
}

// Substring returns a match.
func (e *expression) Substring(_ context.Context, start, occurrence int) (string, bool, error) {
	rest, match := e.find(start, occurrence)
	if match == nil {
		return "", false, nil
	}
	return rest[match[0]:match[1]], true, nil
}

var group = regexp.MustCompile(`\\([0-9])`)

// Replace replaces one match, or with the occurrence 0 all of them. \1 is the first
// group in TiDB, $1 is not.
func (e *expression) Replace(_ context.Context, replacement string, start, occurrence int) (string, error) {
	replacement = group.ReplaceAllString(strings.ReplaceAll(replacement, "$", "$$"), "$${$1}")
	before := string(e.text[:min(start-1, len(e.text))])
	rest, match := e.find(start, occurrence)
	switch {
	case occurrence == 0:
		return before + e.re.ReplaceAllString(rest, replacement), nil
	case match == nil:
		return string(e.text), nil
	}
	return before + string(e.re.ExpandString([]byte(rest[:match[0]]), replacement, rest, match)) + rest[match[1]:], nil
}

// find returns the text from start on, and the indexes of a match in it.
func (e *expression) find(start, occurrence int) (rest string, match []int) {
	rest = string(e.text[min(start-1, len(e.text)):])
	matches := e.re.FindAllStringSubmatchIndex(rest, max(1, occurrence))
	if len(matches) < max(1, occurrence) {
		return rest, nil
	}
	return rest, matches[len(matches)-1]
}
