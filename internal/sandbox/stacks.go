package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"portfolio-infra/internal/sandbox/engine"
)

// setStack sets the stack that the command works on.
func (s *sandbox) setStack(name string) error {
	s.stack = name
	return engine.CheckStack(name)
}

// stackName returns the name of the stack that the command works on.
func (s *sandbox) stackName() string { return cmp.Or(s.stack, engine.Stack) }

// makeUp returns the command that makes the stack.
func (s *sandbox) makeUp() string {
	if s.stackName() == engine.Stack {
		return "make up"
	}
	return "make up STACK=" + s.stack
}

// checkStack refuses a stack that is not there, if the user named one: otherwise a misspelt name
// would make a stack.
func (s *sandbox) checkStack() error {
	if s.stackName() == engine.Stack {
		return nil
	}
	return s.engine(nil).Exists()
}

// of returns the engine of a stack.
func (s *sandbox) of(stack string) *engine.Engine {
	e := s.engine(nil)
	e.Stack, e.Config = stack, nil
	return e
}

// projectType is the type of a Pages project.
const projectType = "cloudflare:index/pagesProject:PagesProject"

// projects returns the Pages project of each stack that has one, by what is in the states: a run
// that died has set no outputs.
func (s *sandbox) projects() (map[string]string, error) {
	stacks, err := s.engine(nil).Stacks()
	if err != nil {
		return nil, err
	}
	projects := map[string]string{}
	for _, stack := range stacks {
		state, err := s.of(stack).State()
		if errors.Is(err, os.ErrNotExist) { // it was removed just now
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("stack %s: %w", stack, err)
		}
		for _, r := range state.Resources {
			if name, ok := r.Outputs["name"].(string); ok && r.Type == projectType && !r.Delete {
				projects[stack] = name
			}
		}
	}
	return projects, nil
}

// watchProjects returns a function that returns what [sandbox.projects] does. It reads the states
// only after one of them has changed: that takes several milliseconds, and a page makes many
// requests.
func (s *sandbox) watchProjects() func() (map[string]string, error) {
	folder := s.engine(nil).StacksFolder()
	var mu sync.Mutex
	var seen string
	var projects map[string]string
	return func() (map[string]string, error) {
		mu.Lock()
		defer mu.Unlock()
		files, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		var now strings.Builder
		for _, file := range files {
			if info, err := file.Info(); err == nil {
				fmt.Fprintln(&now, file.Name(), info.Size(), info.ModTime().UnixNano())
			}
		}
		if projects == nil || now.String() != seen {
			if projects, err = s.projects(); err != nil {
				return nil, err
			}
			seen = now.String()
		}
		return maps.Clone(projects), nil
	}
}

// secrets returns the secrets of all stacks.
func (s *sandbox) secrets(ctx context.Context) ([]string, error) {
	stacks, err := s.engine(nil).Stacks()
	if err != nil {
		return nil, err
	}
	if len(stacks) == 0 {
		return nil, nil
	}
	cli, err := engine.FindCLI(ctx, s.root, s.stderr)
	if err != nil {
		return nil, err
	}
	found := make([][]string, len(stacks))
	group, ctx := errgroup.WithContext(ctx)
	for i, stack := range stacks {
		group.Go(func() (err error) {
			e := s.of(stack)
			e.CLI = cli
			if found[i], err = e.Secrets(ctx); err != nil {
				err = fmt.Errorf("reading the secrets of the stack %s: %w", stack, err)
			}
			return err
		})
	}
	err = group.Wait()
	return slices.Concat(found...), err
}
