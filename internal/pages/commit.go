package pages

import (
	"context"
	"os/exec"
	"strings"
	"unicode/utf8"
)

// commit is what a deployment says about a site's sources.
type commit struct {
	hash, message string
	dirty         bool
}

// lastCommit asks git for the last commit of the folder. There is none without git, a
// repository or a commit.
func lastCommit(ctx context.Context, folder string) (c commit, ok bool) {
	ok = true
	git := func(args ...string) string {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", folder}, args...)...)
		cmd.Env = gitEnvironment() // git may run programs that the repository's settings name
		out, err := cmd.Output()
		ok = ok && err == nil
		return strings.TrimSpace(string(out))
	}
	c.hash = git("rev-parse", "--verify", "HEAD")
	c.message = git("show", "--no-patch", "--format=%B", "HEAD")
	c.dirty = git("status", "--porcelain") != ""
	if !ok {
		return commit{}, false
	}
	return c, true
}

// maxMessage is the length of the longest commit message, in bytes.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
const maxMessage = 384

// withMark appends a mark to a commit message, which is cut so that both fit.
func withMark(message, mark string) string {
	message = strings.ToValidUTF8(message, "")
	if room := maxMessage - len(mark) - 1; len(message) > room {
		for !utf8.RuneStart(message[room]) {
			room--
		}
		message = message[:room]
	}
	return strings.TrimSpace(message + " " + mark)
}
