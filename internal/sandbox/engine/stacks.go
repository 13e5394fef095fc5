package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// CheckStack returns an error if Pulumi does not take the name for a stack.
func CheckStack(name string) error {
	if _, err := tokens.ParseStackName(name); err != nil {
		return fmt.Errorf("%q cannot name a stack: %w", name, err)
	}
	return nil
}

// StacksFolder returns the folder in which the backend keeps a file for each stack.
func (e *Engine) StacksFolder() string { return filepath.Dir(e.checkpoint()) }

// Stacks returns the names of the stacks that there are, in order. Beside the file of a stack the
// backend keeps older ones, which end otherwise.
func (e *Engine) Stacks() ([]string, error) {
	entries, err := os.ReadDir(e.StacksFolder())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listing the stacks: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".json"); ok {
			names = append(names, name)
		}
	}
	return names, nil // ReadDir sorts
}

// Exists returns an error that lists the stacks if there is no such stack.
func (e *Engine) Exists() error {
	stacks, err := e.Stacks()
	if err != nil || slices.Contains(stacks, e.stack()) {
		return err
	}
	if len(stacks) == 0 {
		return fmt.Errorf("there is no stack %s, and no other", e.stack())
	}
	return fmt.Errorf("there is no stack %s: there are %s", e.stack(), strings.Join(stacks, ", "))
}
