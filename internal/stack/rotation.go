package stack

import (
	"fmt"
	"strconv"
)

// The application has two logins, which alternate: an even step of the config key rotation
// uses the first one and an odd step the second. A step gives a new password only to the
// login that is idle before it. What uses the database then moves to that login, and the
// other one stays valid until the next step. So a run that dies in between leaves a site
// that works.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html#rotating-secrets-two-users
//
// A run may be limited to a part of the stack, or may have died. So what is in use is never
// taken from the config: the Worker's own variables say it ([foundWorker.step]), and the
// Worker gets the login whose recorded step is the config's ([logins.choose]).

// step returns the step of the login that the Worker uses. Its variable varRotation says so,
// or, since step 0 has none, the note of its upload. If the two disagree, or neither is
// there, it is not known.
func (w *foundWorker) step() (step int, known bool) {
	if w == nil {
		return 0, false
	}
	noted, hasNote := notedStep(w.Var(varUpload))
	if !w.Has("plain_text", varRotation) {
		return noted, hasNote
	}
	step, err := strconv.Atoi(w.Var(varRotation))
	return step, err == nil && (!hasNote || step == noted)
}

// checkStep refuses all steps but the next one. Another one would give the login in use a
// new password before the Worker has it, or bring an old password back.
func checkStep(worker *foundWorker, to int) error {
	from, known := worker.step()
	if !known || to == from || to == from+1 {
		return nil
	}
	return fmt.Errorf("config key rotation: the Worker uses the login of step %d, and step %d is not the next one, so nothing was changed: "+
		"run `pulumi config set rotation %d`, and then go on one step a run", from, to, min(max(from, to), from+1))
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
