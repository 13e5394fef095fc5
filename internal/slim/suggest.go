// What a name that an SDK lacks may have been meant to be.

package main

import (
	"cmp"
	"go/ast"
	"slices"
)

// similar returns up to three exported names of the package that are a few letters away from name, the nearest first.
func (p *pkg) similar(name string) []string {
	type candidate struct {
		name     string
		distance int
	}
	limit := 1 + len(name)/5
	var found []candidate
	for other := range p.named {
		if !ast.IsExported(other) || abs(len(other)-len(name)) > limit {
			continue
		}
		if d := distance(name, other); d <= limit {
			found = append(found, candidate{other, d})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range found[:min(len(found), 3)] {
		names = append(names, c.name)
	}
	return names
}

// distance is the Levenshtein distance of two names in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func abs(n int) int { return max(n, -n) }
