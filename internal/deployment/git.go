package deployment

import (
	"context"
	"os/exec"
	"strings"
	"unicode/utf8"
)

// commit is what a deployment says about the sources of a site.
type commit struct {
	hash, message string
	dirty         bool
}

// lastCommit asks git about the folder. Where there is no git, or no repository, there is
// nothing to say.
func lastCommit(ctx context.Context, folder string) (c commit, ok bool) {
	git := func(args ...string) string {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", folder}, args...)...).Output()
		ok = ok && err == nil
		return strings.TrimSpace(string(out))
	}
	ok = true
	c.hash = git("rev-parse", "HEAD")
	c.message = git("show", "--no-patch", "--format=%B", "HEAD")
	c.dirty = git("status", "--porcelain") != ""
	return c, ok
}

// maxMessage is the longest commit message, in bytes.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
const maxMessage = 384

// marked ends a commit message with a mark, cut so that both fit.
func marked(message, mark string) string {
	message = strings.ToValidUTF8(message, "")
	if room := maxMessage - len(mark) - 1; len(message) > room {
		message = message[:room]
		for !utf8.ValidString(message) {
			message = message[:len(message)-1]
		}
	}
	return strings.TrimSpace(message + " " + mark)
}
