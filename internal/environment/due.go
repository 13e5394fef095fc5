package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/environment/settings"
)

const dueUsage = usageError("due -marked FILE -stacks FILE -open FILE [-only NUMBER], where the files have the output of " +
	"environment marked, then of `pulumi stack ls --json`, then the numbers of the open pull requests, made in this order")

// runDue prints the numbers of the pull requests whose environment is over as a JSON array, which a
// matrix of a workflow takes.
//
// The order in which the lists are made matters: of an environment that begins meanwhile, none has a
// mark and no stack, or a stack and no open pull request.
func runDue(_ context.Context, p process, args []string) error {
	flags := flag.NewFlagSet("due", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	marked, stacks, open := flags.String("marked", "", ""), flags.String("stacks", "", ""), flags.String("open", "", "")
	only := flags.Int("only", 0, "")
	if flags.Parse(args) != nil || flags.NArg() > 0 || *marked == "" || *stacks == "" || *open == "" || *only < 0 {
		return dueUsage
	}
	s, err := settings.Read(p.folder)
	if err != nil {
		return err
	}
	var l lists
	if l.marked, err = readNumbers(*marked); err != nil {
		return err
	}
	if l.updated, err = readStacks(*stacks, s.Project); err != nil {
		return err
	}
	if l.open, err = readNumbers(*open); err != nil {
		return err
	}
	due := l.due(time.Duration(s.ExpireAfterDays)*24*time.Hour, time.Now())
	if *only > 0 {
		due = slices.DeleteFunc(due, func(n int) bool { return n != *only })
	}
	return json.NewEncoder(p.stdout).Encode(append([]int{}, due...))
}

// lists say what there is of environments, by the pull request's number.
type lists struct {
	marked, open map[int]bool
	// updated has the stacks with the time of their last update, which is zero for one that is
	// being updated or never was.
	updated map[int]time.Time
}

// due returns the environments that are over, sorted.
func (l lists) due(expire time.Duration, now time.Time) []int {
	over := map[int]bool{}
	for n := range l.marked {
		if _, has := l.updated[n]; !has {
			over[n] = true
		}
	}
	for n, at := range l.updated {
		if !l.open[n] || !at.IsZero() && now.Sub(at) > expire {
			over[n] = true
		}
	}
	return slices.Sorted(maps.Keys(over))
}

// readNumbers reads a list of numbers, one a line.
func readNumbers(file string) (map[int]bool, error) {
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	numbers := map[int]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		n, err := strconv.Atoi(line)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: %q is not the number of a pull request", file, line)
		}
		numbers[n] = true
	}
	return numbers, lines.Err()
}

// readStacks reads the output of `pulumi stack ls --json`, and returns the environments of the
// project.
//
// A stack that never was updated has no lastUpdate, nor has one that is being updated. A name may be
// ORGANIZATION/STACK or ORGANIZATION/PROJECT/STACK.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/cmd/pulumi/stack/stack_list.go
func readStacks(file, project string) (map[int]time.Time, error) {
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	var all []struct {
		Name       string `json:"name"`
		LastUpdate string `json:"lastUpdate"`
	}
	if err := json.Unmarshal(b, &all); err != nil || all == nil {
		return nil, fmt.Errorf("%s is not the output of `pulumi stack ls --json`: %v", file, err)
	}
	updated := map[int]time.Time{}
	for _, stack := range all {
		parts := strings.Split(stack.Name, "/")
		n, ok := mark.Number(parts[len(parts)-1])
		if !ok || len(parts) == 3 && parts[1] != project {
			continue
		}
		var at time.Time
		if stack.LastUpdate != "" && stack.LastUpdate != "n/a" {
			if at, err = time.Parse(time.RFC3339, stack.LastUpdate); err != nil {
				return nil, fmt.Errorf("%s: stack %s: %w", file, stack.Name, err)
			}
		}
		updated[n] = at
	}
	return updated, nil
}
