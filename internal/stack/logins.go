package stack

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
)

// The resources of the application's two logins. The even steps are the first one's, the
// odd steps the second one's.
const (
	evenLogin = "user"
	oddLogin  = "user_b"
)

// loginOf returns the resource of the login that a step uses.
func loginOf(step int) string {
	if step%2 == 1 {
		return oddLogin
	}
	return evenLogin
}

// newUserFunc declares a SQL user. Step 0 leaves it the password that it has.
type newUserFunc = func(resource, name, role string, step int, opts ...pulumi.ResourceOption) (*sqlUser, error)

// logins are the application's two logins.
type logins struct {
	step  int               // the one that the config wants
	names map[string]string // the wanted names, by resource
	user  map[string]*sqlUser
}

// newLogins declares the logins. The one that the step is due for gets a new password, and
// the other one stays as it is.
//
// A new name replaces a login. So it waits for the step that gives the login a new password,
// and for the one after that if the other login still has the name.
func newLogins(ctx *pulumi.Context, cfg *Config, worker *foundWorker, newUser newUserFunc) (*logins, error) {
	l := &logins{cfg.Rotation, map[string]string{evenLogin: cfg.SQLUser, oddLogin: secondLogin(cfg.SQLUser)}, map[string]*sqlUser{}}
	declare := func(resource string, step int, opts ...pulumi.ResourceOption) (err error) {
		l.user[resource], err = newUser(resource, l.names[resource], "role_readwrite", step, opts...)
		return err
	}
	keepsName := pulumi.IgnoreChanges([]string{"name"})
	due, other := loginOf(l.step), loginOf(l.step+1)
	if err := declare(other, 0, keepsName); err != nil {
		return nil, err
	}
	from, known := worker.step()
	moves := known && l.step == from+1
	unclear := !known && l.step > 0
	var beside recorded
	if moves || unclear {
		var err error
		if beside, err = l.recorded(ctx, other); err != nil {
			return nil, err
		}
	}
	hook, err := registerHook(ctx, "login is idle", true, func(hook *pulumi.ResourceHookArgs) error {
		if moves {
			return nil
		}
		return checkIdle(worker, l.step, beside.step, hook.OldInputs, hook.NewInputs)
	})
	if err != nil {
		return nil, err
	}
	opts := []pulumi.ResourceOption{pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: hook})}
	if !moves || beside.name == l.names[due] {
		opts = append(opts, keepsName)
	}
	if err := declare(due, l.step, opts...); err != nil || !unclear {
		return l, err
	}
	_, err = l.recorded(ctx, due) // the admin waits for the hook, too
	return l, err
}

// checkIdle refuses to give the login that is due in a step a new password where the Worker
// may use it. beside is the recorded step of the other login.
//
// If the Worker does not say which login it uses, the error leads to the last recorded step.
// That gives no login a new password, and after it the Worker says which one it uses.
func checkIdle(worker *foundWorker, step, beside int, before, now resource.PropertyMap) error {
	rotation := textOf(before, "rotation")
	if rotation == textOf(now, "rotation") || rotation == importedRotation {
		return nil
	}
	why, next := "the Worker uses it", step+1
	if _, known := worker.step(); !known {
		why, next = "the Worker may use it, which its variable "+varRotation+" does not say", max(ownStep(loginOf(step), rotation), beside, 1)
	}
	if next == step {
		return nil // it is the first of all
	}
	return fmt.Errorf("config key rotation: step %d would give the SQL user %q a new password, and %s; no login was changed: "+
		"run `pulumi config set rotation %d` and `pulumi up`, and then go on one step a run",
		step, textOf(before, "name"), why, next)
}

// importedRotation is the rotation of a login that was imported. Nobody knows its password,
// so it needs a new one.
const importedRotation = "imported"

// ownStep returns the step that set a login's password, or 0 if none of its own did: early
// versions had one login, and any text for a rotation.
func ownStep(login, rotation string) int {
	step, err := strconv.Atoi(rotation)
	if err != nil || step < 0 || loginOf(step) != login {
		return 0
	}
	return step
}

// recorded is what the state has of a login.
type recorded struct {
	known bool // a preview may not know it
	name  string
	step  int
	// usable is false if there is no password, or none that has logged in.
	usable bool
}

// recorded waits until a login's resource is done.
func (l *logins) recorded(ctx *pulumi.Context, login string) (r recorded, err error) {
	await := func(output pulumi.Output) any {
		result, awaitErr := internals.UnsafeAwaitOutput(ctx.Context(), output)
		if err == nil {
			err = awaitErr
		}
		r.known = result.Known
		return result.Value
	}
	u := l.user[login]
	r.usable = await(u.Password) != "" && await(u.Unverified) != true
	r.name, _ = await(u.Name).(string)
	rotation, _ := await(u.Rotation).(string)
	r.step = ownStep(login, rotation)
	return r, err
}

// choose returns the login that the Worker is to use, and its step: that of the config, or
// the other one if that login did not get its new password, as in a run of a part of the
// stack. It waits for both, and says if one keeps its old name.
func (l *logins) choose(ctx *pulumi.Context) (*sqlUser, int, error) {
	step := l.step
	state := map[string]recorded{}
	for next := step + 1; next <= step+2; next++ {
		login := loginOf(next)
		r, err := l.recorded(ctx, login)
		if err != nil {
			return nil, 0, err
		}
		state[login] = r
		if wanted := l.names[login]; r.known && r.name != wanted {
			if err := ctx.Log.Info(fmt.Sprintf("config key sqlUser: the SQL user %q becomes %q in step %d, which gives it a new password: "+
				"run `pulumi config set rotation %d`", r.name, wanted, next, step+1), nil); err != nil {
				return nil, 0, err
			}
		}
	}
	due, other := loginOf(step), loginOf(step+1)
	switch {
	case step == 0 || !state[due].known || state[due].step == step && state[due].usable:
		return l.user[due], step, nil
	case other == evenLogin || state[other].step > 0:
		return l.user[other], state[other].step, nil
	default:
		return l.user[due], state[due].step, nil // only the first login was ever in use
	}
}
