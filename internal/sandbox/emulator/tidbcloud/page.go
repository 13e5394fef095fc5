package tidbcloud

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
)

// page is the part of a list that a request asks for.
type page struct {
	size, skip int
	// after is the number of the last item of the page before.
	after int
	// query stands for the other parameters, which all pages must share.
	query string
}

// pageToken is what a page token says, in base64.
type pageToken struct {
	After int    `json:"after"`
	Query string `json:"query"`
}

// parsePage reads pageSize, pageToken and skip. A size of 0 means std; sizes over
// 100 are cut. On the pages after the first one skip is repeated and does nothing.
func parsePage(q url.Values, std int) (page, error) {
	size, err := parseCount(q, "pageSize")
	if err != nil {
		return page{}, err
	}
	skip, err := parseCount(q, "skip")
	if err != nil {
		return page{}, err
	}
	if size == 0 {
		size = std
	}
	token := q.Get("pageToken")
	q.Del("pageToken")
	sum := sha256.Sum256([]byte(q.Encode()))
	p := page{size: min(size, 100), skip: skip, query: hex.EncodeToString(sum[:8])}
	if token == "" {
		return p, nil
	}
	var t pageToken
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(raw, &t)
	}
	if err != nil {
		return page{}, badRequest("pageToken is not one that this API gave out")
	}
	if t.Query != p.query {
		return page{}, badRequest("pageToken belongs to a list with other parameters")
	}
	p.skip, p.after = 0, t.After
	return p, nil
}

func parseCount(q url.Values, name string) (int, error) {
	s := q.Get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0, badRequest("%s is %q, not a number from 0 on", name, s)
	}
	return int(n), nil
}

// cut returns the page of items, which are in the order of their numbers, and the
// token of the page after it.
func cut[T any](p page, items []T, number func(T) int) (part []T, next string) {
	part = []T{}
	for _, item := range items {
		switch {
		case number(item) <= p.after:
		case p.skip > 0:
			p.skip--
		case len(part) == p.size:
			t, _ := json.Marshal(pageToken{After: number(part[len(part)-1]), Query: p.query}) // never fails
			return part, base64.RawURLEncoding.EncodeToString(t)
		default:
			part = append(part, item)
		}
	}
	return part, ""
}
