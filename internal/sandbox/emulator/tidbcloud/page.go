package tidbcloud

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
)

// page is the part of a list that a request asks for.
type page struct {
	size int
	// after is the number of the last item of the previous page.
	after int
	// query holds the other parameters, which all pages of a list must share
	// (https://google.aip.dev/158).
	query string
}

const maxPageSize = 100

// parsePage reads pageSize and pageToken.
func parsePage(r *http.Request, defaultSize int) (page, error) {
	q := r.URL.Query()
	token := q.Get("pageToken")
	q.Del("pageToken")
	p := page{size: defaultSize, query: q.Encode()}
	if s := q.Get("pageSize"); s != "" {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n < 0 {
			return page{}, badRequest("pageSize %q is not a non-negative number", s)
		}
		if n > 0 {
			p.size = min(int(n), maxPageSize)
		}
	}
	if token == "" {
		return p, nil
	}
	content, err := base64.RawURLEncoding.DecodeString(token)
	after, query, ok := strings.Cut(string(content), "?")
	if err == nil {
		p.after, err = strconv.Atoi(after)
	}
	if err != nil || !ok {
		return page{}, badRequest("pageToken is not one of this API's")
	}
	if query != p.query {
		return page{}, badRequest("pageToken belongs to a list with other parameters")
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
	token := fmt.Sprintf("%d?%s", number(part[p.size-1]), p.query)
	return part, base64.RawURLEncoding.EncodeToString([]byte(token))
}
