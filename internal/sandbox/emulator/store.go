package emulator

import (
	"encoding/json"
	"fmt"
)

// Store is the state of an emulated cloud, in memory or in a file. It has no lock
// of its own.
type Store[S any] struct {
	path  string
	state *S
}

// Load reads the state from the file at path into what fresh returns. If path is empty or
// there is no file, the state is what fresh returns. ready, if not nil, gets the state first
// and may refuse it. Once Load has succeeded, it does nothing.
func (st *Store[S]) Load(path string, fresh func() *S, ready func(*S) error) error {
	if st.state != nil {
		return nil
	}
	s := fresh()
	if path != "" {
		if err := Load(path, s); err != nil {
			return fmt.Errorf("loading the state: %w", err)
		}
	}
	if ready != nil {
		if err := ready(s); err != nil {
			return err
		}
	}
	st.path, st.state = path, s
	return nil
}

// State returns the state, or nil before Load. The caller must not change it. Update does not
// change it either, so it can be read without a lock.
func (st *Store[S]) State() *S { return st.state }

// Update calls f with a copy of the state. If f succeeds, the copy is saved and becomes the
// state.
func (st *Store[S]) Update(f func(*S) error) error {
	next := new(S)
	b, err := json.Marshal(st.state)
	if err == nil {
		err = json.Unmarshal(b, next)
	}
	if err != nil {
		panic(fmt.Sprintf("copying the state: %v", err)) // it was read from JSON
	}
	if err := f(next); err != nil {
		return err
	}
	if st.path != "" {
		if err := Save(st.path, next); err != nil {
			return fmt.Errorf("saving the state: %w", err)
		}
	}
	st.state = next
	return nil
}
