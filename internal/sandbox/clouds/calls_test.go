package clouds

import (
	"testing"

	"portfolio-infra/internal/sandbox/emulator"
)

// Calls are counted from a moment on, also by another process than the one that logs them.
func TestCalls_Count(t *testing.T) {
	dir := t.TempDir()
	want := func(c Calls, reads, writes int) {
		t.Helper()
		if r, w := c.Count(); r != reads || w != writes {
			t.Errorf("%d reads, %d writes; want %d, %d", r, w, reads, writes)
		}
	}
	all := CallsFrom(dir)
	want(all, 0, 0)
	c := start(t, dir)
	c.Log.Add(emulator.Call{Method: "GET"})
	c.Log.Add(emulator.Call{Method: "POST"})
	later := CallsFrom(dir)
	c.Log.Add(emulator.Call{Method: "HEAD"})
	c.Log.Add(emulator.Call{Method: "PATCH"})
	want(all, 2, 2)
	want(later, 1, 1)
}
