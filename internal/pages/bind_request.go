package pages

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"portfolio-infra/internal/cloudflare"
)

// Service is a wanted service binding.
type Service = cloudflare.Service

// plain returns a service without the entrypoint "default": a binding without an entrypoint
// means the same, the default export.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/miniflare/src/index.ts (directSocket.entrypoint)
func plain(s Service) Service {
	if s.Entrypoint == "default" {
		s.Entrypoint = ""
	}
	return s
}

// DefaultEnvironment is the environment of a Worker that has only one.
const DefaultEnvironment = "production"

// Wanted is what the environments of a project should hold, by name.
type Wanted struct {
	Bindings map[string]Service `json:"bindings"`
	// Preview replaces Bindings in the preview environment, unless it is nil.
	Preview map[string]Service `json:"preview,omitzero"`
	// Vars are plain variables of the Functions, in both environments.
	Vars map[string]string `json:"vars,omitempty"`
	// CompatibilityDate and CompatibilityFlags are those of the Functions, in both
	// environments. Without a date both are left alone.
	CompatibilityDate  string   `json:"compatibilityDate,omitempty"`
	CompatibilityFlags []string `json:"compatibilityFlags,omitempty"`
}

// In returns what one environment should hold.
func (w Wanted) In(environment string) map[string]Service {
	if environment == "preview" && w.Preview != nil {
		return w.Preview
	}
	return w.Bindings
}

// BindRequest is the input of bind and unbind.
type BindRequest struct {
	AccountID string `json:"accountId"`
	Project   string `json:"project"`
	// ProductionBranch is the branch with which bind creates a deleted project again. If it is
	// empty, a deleted project is an error.
	ProductionBranch string `json:"productionBranch,omitempty"`
	// CreatedOn is when the project was created. Nothing reads it. A new project has another
	// date, so the request changes and bind runs again.
	CreatedOn string `json:"createdOn,omitempty"`
	Wanted
	// Secrets are secret variables of the Functions, in both environments.
	Secrets map[string]string `json:"secrets,omitempty"`
	// Key is the key of the secrets' digests. It is a secret itself.
	Key string `json:"key,omitempty"`
}

var (
	namePattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	envPattern   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
	entryPattern = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]{0,127}$`)
)

func (BindRequest) example() string {
	return `{"accountId": "…", "project": "…", "bindings": {"NAME": {"service": "…", "environment": "production"}}}`
}

func (r BindRequest) check() error {
	var problems []error
	if !cloudflare.IsAccountID(r.AccountID) {
		problems = append(problems, fmt.Errorf("accountId: %q is not 32 hexadecimal digits", r.AccountID))
	}
	if !cloudflare.IsProjectName(r.Project) {
		problems = append(problems, fmt.Errorf("project: %q is not a valid Pages project name", r.Project))
	}
	if len(r.Bindings) == 0 {
		problems = append(problems, errors.New("bindings: at least one is needed"))
	}
	for key, bindings := range map[string]map[string]Service{"bindings": r.Bindings, "preview": r.Preview} {
		for _, name := range slices.Sorted(maps.Keys(bindings)) {
			if err := CheckService(name, bindings[name]); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", key, err))
			}
		}
	}
	for key, vars := range map[string]map[string]string{"vars": r.Vars, "secrets": r.Secrets} {
		for _, name := range slices.Sorted(maps.Keys(vars)) {
			if err := CheckName(name); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", key, err))
			}
		}
	}
	if len(r.Secrets) > 0 && len(r.Key) < minKey {
		problems = append(problems, fmt.Errorf("key: at least %d characters are needed where there are secrets", minKey))
	}
	return errors.Join(problems...)
}

// minKey is the length of the shortest key, in characters.
const minKey = 16

// CheckName returns an error unless a binding may have the name, which Functions use
// as a JavaScript identifier.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%q is not a valid binding name: use letters, digits and underscores, and no digit first", name)
	}
	return nil
}

// CheckService returns an error unless the binding may have the name and the properties.
func CheckService(name string, s Service) error {
	switch {
	case !namePattern.MatchString(name):
		return CheckName(name)
	case !cloudflare.IsWorkerName(s.Service):
		return fmt.Errorf("%s: service %q is not a valid Worker name", name, s.Service)
	case !envPattern.MatchString(s.Environment):
		return fmt.Errorf("%s: environment %q is not a valid name of a Worker's environment; most Workers have only %q",
			name, s.Environment, DefaultEnvironment)
	case s.Entrypoint != "" && !entryPattern.MatchString(s.Entrypoint):
		return fmt.Errorf("%s: entrypoint %q is not a valid export name", name, s.Entrypoint)
	}
	return nil
}
