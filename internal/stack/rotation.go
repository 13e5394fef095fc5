package stack

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The application has two logins, which alternate: an even step of the config key rotation
// uses the first one and an odd step the second. A step gives a new password only to the
// login that is idle before it. What uses the database then moves to that login, and the
// other one stays valid until the next step. So a run that dies in between leaves a site
// that works.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html#rotating-secrets-two-users

// maxStep keeps steps short and positive.
const maxStep = 1_000_000

// step reads the number of a rotation.
func (r *reader) step(key string) int {
	v := r.text(key)
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxStep {
		r.problem(key, "%q must be a whole number from 0 to %d, and each rotation is the next one; in place of an earlier text, "+
			"which changes no password, run `pulumi config set %s 0`", v, maxStep, key)
	}
	return n
}

// rotationOptions returns the rotation input of a login that gets a new password in this
// step, or one that keeps the password it has.
func rotationOptions(step int, rotates bool) (pulumi.StringPtrInput, []pulumi.ResourceOption) {
	if step == 0 || !rotates {
		return nil, []pulumi.ResourceOption{pulumi.IgnoreChanges([]string{"rotation"})}
	}
	return pulumi.String(strconv.Itoa(step)), nil
}

// checkStep refuses to leave a step out, which would change the password of the login that
// the Worker uses. A step back uses the previous login, with the password that it still
// has. The Worker says which step it has: the state may be ahead of it after a run that
// died.
func checkStep(live *liveWorker, to int) error {
	if live == nil {
		return nil
	}
	from, _ := strconv.Atoi(live.Var(varRotation)) // none is 0
	if from-1 <= to && to <= from+1 {
		return nil
	}
	next := from + 1
	if to < from {
		next = from - 1
	}
	return fmt.Errorf("config key rotation: the Worker is at step %d, and step %d would give the login in use a new password before "+
		"the Worker knows it; nothing was changed: run `pulumi config set rotation %d`, then go on one step a run", from, to, next)
}

// maxUserName is the length of the longest name that [tidbcloud.CheckUserName] accepts.
const maxUserName = 16

// secondLogin returns the name of the second login, which like the first is short enough
// to go with a cluster's prefix.
func secondLogin(first string) string {
	base := first[:min(len(first), maxUserName-len("_b"))]
	if second := base + "_b"; second != first {
		return second
	}
	return base + "_c"
}
