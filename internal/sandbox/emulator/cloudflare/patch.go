package cloudflare

// merge applies a PATCH to dst. Null deletes a key. Down to that many levels, an object merges
// into the existing one. Anything else replaces the existing value.
func merge(dst, patch map[string]any, levels int) {
	for k, v := range patch {
		deeper, isObject := v.(map[string]any)
		switch {
		case v == nil:
			delete(dst, k)
		case isObject && levels > 0:
			old := child(dst, k)
			if old == nil {
				old = map[string]any{}
			}
			merge(old, deeper, levels-1)
			dst[k] = old
		default:
			dst[k] = v
		}
	}
}

// child returns the object at key, or nil.
func child(m map[string]any, key string) map[string]any {
	c, _ := m[key].(map[string]any)
	return c
}

// texts returns the list of strings at key, or nil.
func texts(m map[string]any, key string) (all []string) {
	list, _ := m[key].([]any)
	for _, v := range list {
		all = append(all, v.(string))
	}
	return all
}

// str returns the string at key, or "".
func str(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}
