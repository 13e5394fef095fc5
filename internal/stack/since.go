package stack

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newSince keeps in the state since when the stack wants the domain, and returns a function
// that waits for it. A domain and a DNS record bear no mark. So what is older than that is
// somebody else's, and what is newer and not in the state is an orphan. The clocks of
// Cloudflare and of this machine are assumed to agree.
//
// A state of an early version has the domain among its names, which were checked then.
func newSince(ctx *pulumi.Context, cfg *Config, names *names) (func(context.Context) (time.Time, error), error) {
	began := time.Now()
	if names.Before["domain"] == cfg.Domain && names.Before["adopt"] == "" {
		began = time.Time{}
	}
	kept, err := newKept(ctx, "since-"+cfg.Domain, began.UTC().Format(time.RFC3339Nano), false)
	return func(c context.Context) (time.Time, error) {
		text, known, err := await(c, kept)
		if err != nil || !known && ctx.DryRun() {
			return began, err
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			err = fmt.Errorf("config key domain: this run leaves out the stash that says since when the stack wants %q, "+
				"and nothing was changed: run `pulumi up` without --target and --exclude", cfg.Domain)
		}
		return at, err
	}, err
}
