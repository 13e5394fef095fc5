package stack

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// isSecret reports whether the value of key, or a member of it, was set with --secret. The
// engine does not tell which member.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/resource/config/map.go, SecureKeys
func (r *reader) isSecret(key string) bool { return r.ctx.IsConfigSecret(r.full(key)) }

// hidden makes a value that the configuration keeps secret a secret of the state. The engine
// hides only the configuration's own secrets, and only in what it prints.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/engine/events.go, makeEventEmitter
func hidden(secret bool, value pulumi.StringInput) pulumi.StringInput {
	if !secret {
		return value
	}
	return pulumi.ToSecret(value).(pulumi.StringOutput)
}

// warnOfSecrets warns of values that were set with --secret and are no secrets where they
// go: plain variables, and keys that the state has in plain text.
func (r *reader) warnOfSecrets() error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(r.asked)) {
		name, own := strings.CutPrefix(key, r.ctx.Project()+":")
		switch right := map[string]string{"vars": "secrets", "siteVars": "siteSecrets"}[name]; {
		case !own || !r.isSecret(name):
		case right != "":
			errs = append(errs, r.ctx.Log.Warn(fmt.Sprintf("%s: a value was set with --secret, but whoever may see the account at Cloudflare can read plain variables: "+
				"set it by `pulumi config set --secret --path %s.NAME`, then take it out by `pulumi config rm --path %s.NAME`", key, right, name), nil))
		case !r.kept[name]:
			errs = append(errs, r.ctx.Log.Warn(key+": the value was set with --secret, but it is not a secret: the state has it in plain text", nil))
		}
	}
	return errors.Join(errs...)
}
