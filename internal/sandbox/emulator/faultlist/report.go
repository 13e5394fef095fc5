package faultlist

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

var anyStatus = regexp.MustCompile(`: \d{3} [A-Z][A-Za-z ]+`)

// Missing returns what the error of a call that a fault hit should name and does not: the
// call, and the status and request ID if there was an answer.
func Missing(err error, f Fault, calls []Call) (missing []string) {
	text := err.Error()
	want := func(what string, ok bool) {
		if !ok {
			missing = append(missing, "the error does not name "+what)
		}
	}
	want("the call", slices.ContainsFunc(calls, func(c Call) bool { return c.Hit && strings.Contains(text, c.Method+" "+c.URL) }))
	switch {
	case f.Refused || f.Reset || f.Hang:
	case f.Stale || f.Edit != nil || f.Drip > 0 || f.Truncate: // the cloud's own status
		want("the status", anyStatus.MatchString(text))
		want("the request id", strings.Contains(text, "request id "))
	default:
		status := cmp.Or(f.Status, http.StatusOK)
		want("the status", strings.Contains(text, fmt.Sprintf(": %d %s", status, http.StatusText(status))))
		if f.Echo != nil || f.Header != nil {
			want("the request id", strings.Contains(text, "request id "+RequestID))
		}
	}
	return missing
}

// Tally counts how the cases of an operation ended.
type Tally struct {
	Operation string
	Calls     int // of one run without a fault
	Cases     int
	Success   int // despite the fault; the others ended in an error
	Converged int // in the next run, without the fault
}

// Table formats tallies and their sum as a table.
func Table(tallies []Tally) string {
	sum := Tally{Operation: "all"}
	for _, t := range tallies {
		sum.Calls += t.Calls
		sum.Cases += t.Cases
		sum.Success += t.Success
		sum.Converged += t.Converged
	}
	table := &strings.Builder{}
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "operation\tcalls\tcases\tsuccess\terror\tconverged\tdoubled or lost\t")
	for _, t := range append(slices.Clone(tallies), sum) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", t.Operation, t.Calls, t.Cases, t.Success, t.Cases-t.Success, t.Converged, t.Cases-t.Converged)
	}
	_ = w.Flush()
	return table.String()
}
