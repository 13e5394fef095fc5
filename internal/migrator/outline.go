package migrator

import (
	"fmt"
	"strings"
	"unicode"
)

// Outline returns what a preview shows of the migration: its file, and a line for each step that
// is left.
func (p *Pending) Outline() string {
	if p.Baseline {
		return fmt.Sprintf("pending migration: %s, recorded as applied without running it, because of %s", p.Name, baselineKey)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "pending %s: %s, %s", Noun(p.Format), p.Name, count(len(p.Steps), "step"))
	if done := p.Done(); done > 0 {
		fmt.Fprintf(&b, ", %d of them done", done)
	}
	for i, step := range p.Steps {
		if p.record.steps[i+1].finished {
			continue
		}
		first := step.Statements[0]
		fmt.Fprintf(&b, "\n  step %d, line %d: %s", i+1, first.Line, FirstLine(first.Text))
		if more := len(step.Statements) - 1; more > 0 {
			fmt.Fprintf(&b, " and %s", count(more, "more statement"))
		}
	}
	return b.String()
}

// Tool is the tool whose format the migration has.
func (p *Pending) Tool() string { return tools[p.Format].name }

// count returns a number of things, such as "2 steps".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// plain makes the user's text fit to be shown by Pulumi. The engine takes what is between <{% and
// %}> for a color (sdk/v3@v3.256.0/go/common/diag/colors/colors.go): it panics at an unknown one,
// and cuts the text where the end is missing. A message that is not UTF-8 is not shown at all,
// since gRPC refuses it. In a terminal a control character can hide the rest.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.ReplaceAll(text, "<{%", "< {%")
}
