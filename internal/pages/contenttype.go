package pages

import (
	"cmp"
	_ "embed"
	"path"
	"strings"
	"sync"
)

// mimeTypes is the table of npm's mime 3.0.0, which wrangler uses. Each line has a type and its
// extensions. Package mime of the standard library depends on the machine.
// https://github.com/broofa/mime/tree/v3.0.0/types
//
//go:embed mime.types
var mimeTypes string

// contentTypes maps extensions, without the dot and in lower case, to types.
var contentTypes = sync.OnceValue(func() map[string]string {
	types := map[string]string{}
	for line := range strings.Lines(mimeTypes) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			for _, extension := range fields[1:] {
				types[extension] = fields[0]
			}
		}
	}
	return types
})

// contentType returns the type under which Pages serves the file of that name.
// https://github.com/broofa/mime/blob/v3.0.0/Mime.js
func contentType(name string) string {
	base := strings.ToLower(path.Base(name))
	extension := base[strings.LastIndex(base, ".")+1:]
	// At the root of a site a name without a dot counts as an extension, and so does what
	// follows a leading dot. In a folder neither does.
	if strings.Contains(name, "/") && len(extension) >= len(base)-1 {
		extension = ""
	}
	return cmp.Or(contentTypes()[extension], "application/octet-stream")
}
