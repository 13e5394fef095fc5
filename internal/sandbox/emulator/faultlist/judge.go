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

// Missing lists what an error fails to name of a call that a fault hit: the call
// itself, and the status and the request id where there was an answer.
func Missing(err error, f Fault, calls []Call) (missing []string) {
	text := err.Error()
	want := func(what string, ok bool) {
		if !ok {
			missing = append(missing, "the error does not name "+what)
		}
	}
	want("the call", slices.ContainsFunc(calls, func(c Call) bool { return c.Hit && strings.Contains(text, c.Method+" "+c.URL) }))
	if f.Refused || f.Reset || f.Hang {
		return missing
	}
	if f.Stale || f.Edit != nil || f.Drip > 0 || f.Truncate { // the cloud's own answer, but for its body
		want("the status", anyStatus.MatchString(text))
		want("the request id", strings.Contains(text, "request id "))
		return missing
	}
	status := cmp.Or(f.Status, http.StatusOK)
	want("the status", strings.Contains(text, fmt.Sprintf(": %d %s", status, http.StatusText(status))))
	if f.Echo != nil || f.Header != nil {
		want("the request id", strings.Contains(text, "request id "+RequestID))
	}
	return missing
}

var anyStatus = regexp.MustCompile(`: \d{3} [A-Z][A-Za-z ]+`)

// Tally is how the cases of an operation ended.
type Tally struct {
	Operation string
	Calls     int // that the operation makes
	Cases     int
	Success   int // in spite of the fault; the others ended in an error
	Converged int // by the next run, without the fault
}

// Sum adds tallies up.
func Sum(tallies []Tally) Tally {
	all := Tally{Operation: "all"}
	for _, t := range tallies {
		all.Calls += t.Calls
		all.Cases += t.Cases
		all.Success += t.Success
		all.Converged += t.Converged
	}
	return all
}

// Table shows tallies, a line each, and their sum.
func Table(tallies []Tally) string {
	table := &strings.Builder{}
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "operation\tcalls\tcases\tsuccess\terror\tconverged\tdoubled or lost\t")
	for _, t := range append(slices.Clone(tallies), Sum(tallies)) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", t.Operation, t.Calls, t.Cases, t.Success, t.Cases-t.Success, t.Converged, t.Cases-t.Converged)
	}
	_ = w.Flush()
	return table.String()
}
