package build

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// work is what there is to do for a part.
type work struct {
	part
	compiled int // packages
}

// missing finds out what there is to do for the parts that are missing, without the network.
func missing(ctx context.Context, scratch string, parts []part) (works []work) {
	packages := map[string]bool{}
	for _, part := range parts {
		if !part.missing {
			continue
		}
		before := len(packages)
		t, err := part.target(ctx, scratch, true, io.Discard)
		if err == nil {
			err = t.offline().stale(ctx, packages)
		}
		compiled := len(packages) - before
		if err != nil { // the modules are not there yet
			compiled = part.packages
		}
		works = append(works, work{part, compiled})
	}
	return works
}

// announcement says what is built, how long that is likely to take, and what would save some
// of that time.
func announcement(works []work, cores int) string {
	if len(works) == 0 {
		return ""
	}
	var names []string
	var instead strings.Builder
	packages, linking := 0, 0
	for _, w := range works {
		names = append(names, w.name)
		packages, linking = packages+w.compiled, linking+w.linking
		if time := seconds(w.compiled, w.linking, cores); w.instead != "" && time >= few {
			fmt.Fprintf(&instead, "  %s saves %s\n", w.instead, minutes(time))
		}
	}
	last := len(names) - 1
	list := strings.Join(names[:last], ", ")
	if last > 0 {
		list += " and "
	}
	list += names[last]
	if packages == 0 {
		return fmt.Sprintf("linking %s into bin/\n", list)
	}
	return fmt.Sprintf("building %s into bin/, only once: up to %d packages, %s\n", list, packages, onCores(seconds(packages, linking, cores), cores)) + instead.String()
}

const (
	// perPackage is the CPU time of a package, in seconds, and serial the share of the work
	// that only one core can do, as measured on two cores.
	perPackage = 0.36
	serial     = 0.1
	// few is how many seconds are not worth a line.
	few = 20
)

// seconds estimates how long a build takes if nothing else runs.
func seconds(packages, linking, cores int) float64 {
	return (float64(packages)*perPackage + float64(linking)) * (serial + (1-serial)/float64(cores))
}

func onCores(seconds float64, cores int) string {
	s := "s"
	if cores == 1 {
		s = ""
	}
	return fmt.Sprintf("%s on %d core%s", minutes(seconds), cores, s)
}

func minutes(seconds float64) string {
	switch {
	case seconds < few:
		return "a few seconds"
	case seconds < 45:
		return "about half a minute"
	case seconds < 90:
		return "about a minute"
	}
	return fmt.Sprintf("about %.0f minutes", seconds/60)
}

func cores() int { return runtime.GOMAXPROCS(0) }
