package emulator

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

type shelf struct{ Books []string }

func holding(books ...string) func() *shelf { return func() *shelf { return &shelf{books} } }

func add(book string) func(*shelf) error {
	return func(s *shelf) error { s.Books = append(s.Books, book); return nil }
}

func TestStore_reload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shelf.json")
	var first, second Store[shelf]
	if err := errors.Join(first.Load(path, holding("a"), nil), first.Update(add("b")), second.Load(path, holding(), nil)); err != nil {
		t.Fatal(err)
	}
	if got := second.State().Books; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the file holds %v", got)
	}
	if err := second.Load(path, holding(), nil); err != nil || len(second.State().Books) != 2 {
		t.Errorf("a second load: %v, %v", err, second.State())
	}
}

// Whoever reads a state may go on with it.
func TestStore_Update_copy(t *testing.T) {
	var st Store[shelf]
	if err := st.Load("", holding(make([]string, 0, 9)...), nil); err != nil {
		t.Fatal(err)
	}
	before := st.State()
	if err := st.Update(add("a")); err != nil || len(before.Books) != 0 || len(before.Books[:1][0]) != 0 {
		t.Errorf("%v, and the state before is %v", err, before.Books[:1])
	}
}

func TestStore_Update_fails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var st Store[shelf]
	if err := st.Load(filepath.Join(dir, "shelf.json"), holding(), nil); err != nil {
		t.Fatal(err)
	}
	oops := errors.New("oops")
	if err := st.Update(func(s *shelf) error { s.Books = []string{"a"}; return oops }); !errors.Is(err, oops) || len(st.State().Books) != 0 {
		t.Errorf("after a change that failed: %v, %v", err, st.State())
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := st.Update(add("a")); err == nil || len(st.State().Books) != 0 {
		t.Errorf("after a change that was not saved: %v, %v", err, st.State())
	}
}

func TestStore_Load_notReady(t *testing.T) {
	var st Store[shelf]
	oops := errors.New("oops")
	if err := st.Load("", holding(), func(*shelf) error { return oops }); !errors.Is(err, oops) || st.State() != nil {
		t.Errorf("%v, %v", err, st.State())
	}
}
