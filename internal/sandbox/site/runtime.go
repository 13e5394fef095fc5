package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// Runtime is Cloudflare's runtime as `make runtime` installs it: wrangler with Miniflare and
// workerd.
type Runtime struct {
	// Modules is the folder node_modules that has the runtime.
	Modules string
	// Dir holds all files that the runtime writes.
	Dir string
	// Log gets what Workers print.
	Log io.Writer
}

// Installed reports whether the runtime and a Node.js are installed.
func (r Runtime) Installed() bool {
	_, machines := exec.LookPath("node")
	_, npms := os.Stat(r.npmNode())
	_, err := os.Stat(filepath.Join(r.Modules, "wrangler", "package.json"))
	return err == nil && (machines == nil || npms == nil)
}

func (r Runtime) npmNode() string { return filepath.Join(r.Modules, "node", "bin", "node") }

// minNode is the oldest version of Node.js that wrangler runs on, according to its
// package.json.
const minNode = "v22.12.0"

// node returns the path of the machine's Node.js if it is new enough, or else that of npm's.
func (r Runtime) node(ctx context.Context) string {
	if version, err := exec.CommandContext(ctx, "node", "--version").Output(); err == nil && semver.Compare(strings.TrimSpace(string(version)), minNode) >= 0 {
		return "node"
	}
	return r.npmNode()
}

// startTimeout is how long a Worker may take to start, including the runtime. Clients wait 30
// seconds for an answer.
const startTimeout = 20 * time.Second

// CheckStart starts a Worker once. It returns the message of what the Worker throws, or "". It
// binds no services: a Worker cannot call them as it starts.
// https://developers.cloudflare.com/workers/runtime-apis/bindings/#making-changes-to-bindings
func (r Runtime) CheckStart(ctx context.Context, code cloudflare.Worker, vars map[string]string) (thrown string, err error) {
	ctx, stop := context.WithTimeout(ctx, startTimeout)
	defer stop()
	r.Log = io.Discard
	p, err := r.start(ctx)
	if err != nil {
		return "", err
	}
	defer p.close()
	w := newWorker("worker", code)
	w.Vars = vars
	_, err = p.run(program{Workers: []worker{w}})
	var failure *startError
	switch {
	case errors.As(err, &failure):
		return failure.message, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("it takes longer than %s", startTimeout)
	default:
		return "", err
	}
}
