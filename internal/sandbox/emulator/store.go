package emulator

import (
	"encoding/json"
	"fmt"
)

// Store is the state of an emulated cloud: in memory, and in a file where it has
// one. It has no lock of its own.
type Store[S any] struct {
	path  string
	state *S
}

// Load makes what fresh returns the state, as the file at path has it. Where there is
// no such file, or path is empty, it is the state as it is. ready, if not nil, sees it
// before it counts as loaded. After a Load that succeeded another one does nothing.
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

// State returns the state, which must not be changed; nil before Load. It stays as
// it is whatever [Store.Update] does, so that it can be read on without a lock.
func (st *Store[S]) State() *S { return st.state }

// Update calls f with a copy of the state, which takes the state's place when f
// succeeds and the copy is saved.
func (st *Store[S]) Update(f func(*S) error) error {
	next := clone(st.state)
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

// clone copies a state by way of the JSON that it is kept as.
func clone[S any](s *S) *S {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a state is always JSON: %v", err))
	}
	next := new(S)
	if err := json.Unmarshal(b, next); err != nil {
		panic(fmt.Sprintf("a state is always read back: %v", err))
	}
	return next
}
