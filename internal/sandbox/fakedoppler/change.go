package fakedoppler

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// change is one of the changes that a call asks for.
type change struct {
	Name string `json:"name"`
	// OriginalName is the name before a rename, or the same name, or null.
	OriginalName *string `json:"originalName"`
	// Value null leaves the value as it is.
	Value *string `json:"value"`
	// Visibility is masked by default, or stays as it is.
	Visibility   *string    `json:"visibility"`
	ValueType    *valueType `json:"valueType"`
	ShouldDelete bool       `json:"shouldDelete"`
}

type valueType struct {
	Type string `json:"type"`
}

var (
	visibilities = []string{"masked", "unmasked", "restricted"}
	nameForm     = regexp.MustCompile(`^[A-Z0-9_]+$`)
	reference    = regexp.MustCompile(`\$\{[A-Za-z0-9_.-]+\}`)
)

// checkName refuses a name that no secret may have.
// https://docs.doppler.com/docs/secrets
func checkName(name string) error {
	switch {
	case name == "":
		return refuse(http.StatusBadRequest, "You must specify a name")
	case !nameForm.MatchString(name):
		return refuse(http.StatusBadRequest,
			"Secret name %q may only contain uppercase letters, numbers, and underscores.", name)
	case name[0] >= '0' && name[0] <= '9':
		return refuse(http.StatusBadRequest, "Secret name %q may not start with a number.", name)
	case strings.HasPrefix(name, "DOPPLER_"):
		return refuse(http.StatusBadRequest, "Secret name %q is reserved.", name)
	}
	return nil
}

// check refuses a change whatever the state. It does not repeat the value.
func (ch change) check() error {
	if err := checkName(ch.Name); err != nil {
		return err
	}
	if err := checkName(ch.original()); err != nil {
		return err
	}
	switch {
	case ch.Visibility != nil && !slices.Contains(visibilities, *ch.Visibility):
		return refuse(http.StatusBadRequest, "visibility: must be one of %s", strings.Join(visibilities, ", "))
	case ch.ValueType != nil && ch.ValueType.Type != "string":
		return refuse(http.StatusBadRequest, "valueType: the emulator has the type string only")
	case ch.Value != nil && reference.MatchString(*ch.Value):
		return refuse(http.StatusBadRequest,
			"value of %s: the emulator does not resolve references to other secrets, ${NAME}", ch.Name)
	}
	return nil
}

func (ch change) original() string {
	if ch.OriginalName != nil {
		return *ch.OriginalName
	}
	return ch.Name
}

// apply makes a checked change.
func (ch change) apply(c *call, project, config string) error {
	s := c.state
	i := s.index(project, config, ch.Name)
	if ch.ShouldDelete {
		if i >= 0 {
			s.Secrets = slices.Delete(s.Secrets, i, i+1)
		}
		return nil
	}
	if original := ch.original(); original != ch.Name {
		if i >= 0 {
			return refuse(http.StatusBadRequest, "Secret name %q is taken.", ch.Name)
		}
		if i = s.index(project, config, original); i < 0 {
			return refuse(http.StatusNotFound, "Could not find requested secret '%s'", original)
		}
		s.Secrets[i].Name, s.Secrets[i].Updated = ch.Name, c.now
	}
	if i < 0 {
		if ch.Value == nil {
			return refuse(http.StatusBadRequest, "value of %s: a new secret must have one", ch.Name)
		}
		i = len(s.Secrets)
		s.Secrets = append(s.Secrets, stored{Secret: Secret{
			Project: project, Config: config, Name: ch.Name, Visibility: "masked", Updated: c.now,
		}})
	}
	ch.set(c, &s.Secrets[i])
	return nil
}

// set gives the secret its value and visibility.
func (ch change) set(c *call, x *stored) {
	if ch.Visibility != nil && *ch.Visibility != x.Visibility {
		x.Visibility, x.Updated = *ch.Visibility, c.now
	}
	if ch.Value == nil {
		return
	}
	if have := c.cloud.vault.open(x.Sealed); have == nil || *have != *ch.Value {
		x.Sealed, x.Updated = c.cloud.vault.seal(*ch.Value), c.now
	}
}
