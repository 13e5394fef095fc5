package tidbcloud

import (
	"encoding/base64"
	"net/http"
	"sort"
	"strconv"
)

// page is the part of a list that a request asks for.
type page struct {
	size int
	// after is the number of the last item of the previous page.
	after int
}

const maxPageSize = 100

// parsePage reads pageSize and pageToken.
func parsePage(r *http.Request, defaultSize int) (page, error) {
	q := r.URL.Query()
	p := page{size: defaultSize}
	if s := q.Get("pageSize"); s != "" {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n < 0 {
			return page{}, badRequest("pageSize %q is not a non-negative number", s)
		}
		if n > 0 {
			p.size = min(int(n), maxPageSize)
		}
	}
	token := q.Get("pageToken")
	if token == "" {
		return p, nil
	}
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		p.after, err = strconv.Atoi(string(after))
	}
	if err != nil {
		return page{}, badRequest("pageToken is not one of this API's")
	}
	return p, nil
}

// cut returns the page of items, which are in the order of their numbers, and the
// token of the next page.
func cut[T any](p page, items []T, number func(T) int) (part []T, nextToken string) {
	start := sort.Search(len(items), func(i int) bool { return number(items[i]) > p.after })
	part = items[start:]
	if len(part) <= p.size {
		return part, ""
	}
	part = part[:p.size]
	return part, base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(number(part[p.size-1]))))
}
