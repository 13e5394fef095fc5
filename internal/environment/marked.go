package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// runMarked prints the numbers of the pull requests whose mark something in a cloud bears, one a
// line.
func runMarked(ctx context.Context, p process, args []string) error {
	if len(args) > 0 {
		return usageError("marked")
	}
	c, err := newClouds(p)
	if err != nil {
		return err
	}
	things, err := c.list(ctx, 0)
	if err != nil {
		return err
	}
	numbers := map[int]bool{}
	for _, t := range things {
		if t.marked {
			numbers[t.number] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		fmt.Fprintln(p.stdout, n)
	}
	return nil
}
