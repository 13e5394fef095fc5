package emulator

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"portfolio-infra/internal/testcheck"
)

type shelf struct{ Books []string }

func holding(books ...string) func() *shelf { return func() *shelf { return &shelf{books} } }

func add(book string) func(*shelf) error {
	return func(s *shelf) error { s.Books = append(s.Books, book); return nil }
}

func TestStore_Load(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shelf.json")
	var first, second, third Store[shelf]
	if err := errors.Join(first.Load(path, holding("a"), nil), first.Update(add("b")), second.Load(path, holding(), nil)); err != nil {
		t.Fatal(err)
	}
	if got := second.State().Books; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the file has %v", got)
	}
	if err := second.Load("", holding(), nil); err != nil || len(second.State().Books) != 2 {
		t.Errorf("a second load: %v, %v", err, second.State())
	}
	oops := errors.New("oops")
	if err := third.Load("", holding(), func(*shelf) error { return oops }); !errors.Is(err, oops) || third.State() != nil {
		t.Errorf("not ready: %v, %v", err, third.State())
	}
}

func TestStore_Update(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var st Store[shelf]
	if err := st.Load(filepath.Join(dir, "shelf.json"), holding(make([]string, 0, 9)...), nil); err != nil {
		t.Fatal(err)
	}
	before := st.State()
	if err := st.Update(add("a")); err != nil || len(before.Books) != 0 || before.Books[:1][0] != "" {
		t.Errorf("%v, and the state before is %v", err, before.Books[:1])
	}
	testcheck.Error(t, st.Update(func(s *shelf) error { s.Books = nil; return errors.New("oops") }), "oops")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	testcheck.Error(t, st.Update(add("b")), "no such file") // the folder is missing
	if got := st.State().Books; !slices.Equal(got, []string{"a"}) {
		t.Errorf("after two changes that failed: %v", got)
	}
}
