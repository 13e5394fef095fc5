package build

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// compile writes what go build -v says of some packages, in odd pieces.
func compile(t *testing.T, w io.Writer, packages int) {
	t.Helper()
	text := []byte(strings.Repeat("example.org/a/package\n", packages))
	for piece := range slices.Chunk(text, 7) {
		if n, err := w.Write(piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
}

// Elsewhere than on a terminal there is a line for each tenth, over all builds.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := &progress{out: &out, count: func() (int, error) { return 1000, nil }}
		first := p.lines()
		if _, err := fmt.Fprint(first, "go: downloading example.org/a v1.0.0\n"); err != nil {
			t.Fatal(err)
		}
		compile(t, first, 1)
		synctest.Wait()
		compile(t, first, 299)
		second := p.lines()
		compile(t, second, 650)
		if _, err := fmt.Fprint(second, "# example.org/a\na.go:1:1: no\n"); err != nil {
			t.Fatal(err)
		}
		compile(t, second, 52)
		p.end()
		want := ""
		for i := range 9 {
			want += fmt.Sprintf("  %d of 1000 packages\n", 100*(i+1))
		}
		want += "# example.org/a\na.go:1:1: no\n  1000 of 1000 packages, linking\n"
		if have := out.String(); have != want {
			t.Errorf("printed\n%s, want\n%s", have, want)
		}
	})
}

// On a terminal it is one line, which gives way to others and is gone at the end.
func TestProgress_inPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := &progress{out: &out, inPlace: true, count: func() (int, error) { return 3, nil }}
		l := p.lines()
		for _, line := range []string{"go: downloading example.org/a v1.0.0", "a", "b", "warning: no", "c"} {
			if _, err := fmt.Fprintln(l, line); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		p.end()
		const again = "\r\x1b[K"
		want := again + "  downloading example.org/a v1.0.0" + again + "  1 packages" + again + "  2 of 3 packages" +
			again + "warning: no\n" + again + "  3 of 3 packages, linking" + again
		if have := out.String(); have != want {
			t.Errorf("printed %q, want %q", have, want)
		}
	})
}

// Little to compile needs no line; nor does what cannot be counted.
func TestProgress_quiet(t *testing.T) {
	for packages, count := range map[int]func() (int, error){
		0:   func() (int, error) { panic("nothing to count") },
		20:  func() (int, error) { return 20, nil },
		200: func() (int, error) { return 0, errors.New("no network") },
	} {
		var out strings.Builder
		p := &progress{out: &out, count: count}
		compile(t, p.lines(), packages)
		p.end()
		if out.Len() > 0 {
			t.Errorf("%d packages: printed %q", packages, out.String())
		}
	}
}
