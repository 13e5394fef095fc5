package tidbcloud

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// filter is the filter expression of a list of clusters, in the part of
// https://google.aip.dev/160 that the API documents: comparisons by "=", joined by
// "AND".
type filter []comparison

// comparison holds where the field has one of the values.
type comparison struct {
	field  string
	values []string
}

// bareValue is what needs no quotes.
var bareValue = regexp.MustCompile(`^[A-Za-z0-9_./,-]+$`)

func parseFilter(s string) (filter, error) {
	if s == "" {
		return nil, nil
	}
	var f filter
	for rest := s; ; {
		field, after, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, badRequest("filter %q: there is no comparison with = at %q", s, rest)
		}
		value, after, ok := cutFilterValue(after)
		if !ok {
			return nil, badRequest("filter %q: the value of %q cannot be read", s, field)
		}
		cmp, err := newComparison(field, value)
		if err != nil {
			return nil, err
		}
		f = append(f, cmp)
		if after == "" {
			return f, nil
		}
		if rest, ok = strings.CutPrefix(after, " AND "); !ok {
			return nil, badRequest("filter %q: want AND before %q", s, after)
		}
	}
}

// cutFilterValue takes a value off the front of s.
func cutFilterValue(s string) (value, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", "", false
		}
		value, err = strconv.Unquote(quoted)
		return value, s[len(quoted):], err == nil
	}
	end := strings.IndexByte(s, ' ')
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:], bareValue.MatchString(s[:end])
}

func newComparison(field, value string) (comparison, error) {
	cmp := comparison{field: field, values: []string{value}}
	key, isLabel := strings.CutPrefix(field, "labels.")
	switch {
	case isLabel:
		if !validKey(key) {
			return cmp, badRequest("filter: %q is not the key of a label", key)
		}
	case field == "projectId", field == "clusterId":
		cmp.values = strings.Split(value, ",")
	case field == "state":
		if !slices.Contains(states, value) {
			return cmp, badRequest("filter: %q is not a state of a cluster", value)
		}
	case field == "region.provider":
		if !slices.Contains(providers, value) {
			return cmp, badRequest("filter: %q is not a cloud provider", value)
		}
	case field != "displayName" && field != "region.name":
		return cmp, badRequest("filter: clusters cannot be filtered by %q", field)
	}
	return cmp, nil
}

func (f filter) match(cl Cluster) bool {
	for _, cmp := range f {
		if !slices.Contains(cmp.values, cmp.of(cl)) {
			return false
		}
	}
	return true
}

// of returns the cluster's value of the field. A label that it lacks counts as
// empty.
func (cmp comparison) of(cl Cluster) string {
	switch cmp.field {
	case "displayName":
		return cl.DisplayName
	case "projectId":
		return cl.Labels[labelProject]
	case "clusterId":
		return cl.ClusterID
	case "state":
		return cl.State
	case "region.name":
		return cl.Region.Name
	case "region.provider":
		return cl.Region.CloudProvider
	default:
		return cl.Labels[strings.TrimPrefix(cmp.field, "labels.")]
	}
}
