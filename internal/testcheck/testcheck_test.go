package testcheck

import (
	"errors"
	"testing"
)

// recorder is a test that records whether it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestError(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		parts []string
		fails bool
	}{
		"no error":                {nil, nil, false},
		"no error, an empty part": {nil, []string{""}, false},
		"all parts":               {errors.New("a b"), []string{"a", "b"}, false},
		"unexpected":              {errors.New("a"), nil, true},
		"unexpected, empty part":  {errors.New("a"), []string{""}, true},
		"missing":                 {nil, []string{"a"}, true},
		"missing, first empty":    {nil, []string{"", "a"}, true},
		"without one part":        {errors.New("a"), []string{"a", "b"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			if Error(r, tt.err, tt.parts...); r.failed != tt.fails {
				t.Errorf("it fails: %v", r.failed)
			}
		})
	}
}
