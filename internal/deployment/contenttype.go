package deployment

import (
	"cmp"
	_ "embed"
	"path"
	"strings"
	"sync"
)

//go:embed mime.types
var mimeTypes string

// contentTypes maps extensions, without the dot and in lower case, to types.
var contentTypes = sync.OnceValue(func() map[string]string {
	types := map[string]string{}
	for line := range strings.Lines(mimeTypes) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		for _, extension := range fields[1:] {
			types[extension] = fields[0]
		}
	}
	return types
})

// contentType returns the type under which a file is served, of which name is the path
// in the site. It is wrangler's, and not that of package mime, which depends on the
// machine.
// https://github.com/broofa/mime/blob/v3.0.0/Mime.js (getType)
func contentType(name string) string {
	base := strings.ToLower(path.Base(name))
	extension := base[strings.LastIndex(base, ".")+1:]
	// In a folder a name needs something before the dot.
	if strings.Contains(name, "/") && len(extension) >= len(base)-1 {
		extension = ""
	}
	return cmp.Or(contentTypes()[extension], "application/octet-stream")
}
