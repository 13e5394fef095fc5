package standin

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/rest"
)

const secretType = "doppler:index/secret:Secret"

// Doppler takes the place of the plugin "doppler", for Secret.
// https://www.pulumi.com/registry/packages/doppler/api-docs/secret/
//
// It differs from the plugin in this: a secret that was removed by hand is gone,
// and not an error (https://github.com/DopplerHQ/terraform-provider-doppler/issues/136);
// a new name replaces, because the engine would keep the ID of what is renamed
// (https://github.com/pulumi/pulumi/issues/3729); and verifyTls is not known, since
// certificates are always verified.
func Doppler() p.Provider {
	var api *rest.Client
	return p.Provider{
		Configure: func(_ context.Context, r p.ConfigureRequest) error {
			var err error
			api, err = newDopplerAPI(text(r.Args, "dopplerToken"), text(r.Args, "host"))
			return err
		},
		Check: func(_ context.Context, r p.CheckRequest) (p.CheckResponse, error) {
			if err := only(r.Urn.Type().String(), secretType); err != nil {
				return p.CheckResponse{}, err
			}
			return checkSecret(r.Inputs), nil
		},
		Diff: func(_ context.Context, r p.DiffRequest) (p.DiffResponse, error) {
			return diff(r.OldInputs, r.Inputs, "project", "config", "name"), nil
		},
		Create: func(ctx context.Context, r p.CreateRequest) (p.CreateResponse, error) {
			if r.DryRun {
				return p.CreateResponse{Properties: pendingSecret(r.Properties)}, nil
			}
			id := secretIDOf(r.Properties)
			if err := putSecret(ctx, api, id, r.Properties); err != nil {
				return p.CreateResponse{}, err
			}
			state, err := readSecret(ctx, api, id, r.Properties)
			if err != nil {
				return p.CreateResponse{ID: id.String(), Properties: r.Properties, PartialState: unread(err)}, err
			}
			return p.CreateResponse{ID: id.String(), Properties: state}, nil
		},
		Read: func(ctx context.Context, r p.ReadRequest) (p.ReadResponse, error) {
			id, err := parseSecretID(r.ID)
			if err != nil {
				return p.ReadResponse{}, err
			}
			state, err := readSecret(ctx, api, id, r.Properties)
			if rest.StatusIs(err, http.StatusNotFound) || errors.Is(err, errGone) {
				return p.ReadResponse{}, nil
			}
			return p.ReadResponse{ID: r.ID, Inputs: state.Delete("computed"), Properties: state}, err
		},
		Update: func(ctx context.Context, r p.UpdateRequest) (p.UpdateResponse, error) {
			next := with(r.State, r.Inputs.AsMap())
			if r.DryRun {
				if v := r.Inputs.Get("value"); !v.IsString() || v.AsString() != text(r.State, "value") {
					next = pendingSecret(next)
				}
				return p.UpdateResponse{Properties: next}, nil
			}
			id := secretIDOf(r.Inputs)
			if err := putSecret(ctx, api, id, r.Inputs); err != nil {
				return p.UpdateResponse{}, err
			}
			state, err := readSecret(ctx, api, id, r.Inputs)
			if err != nil {
				return p.UpdateResponse{Properties: next, PartialState: unread(err)}, err
			}
			return p.UpdateResponse{Properties: state}, nil
		},
		Delete: func(ctx context.Context, r p.DeleteRequest) error {
			id, err := parseSecretID(r.ID)
			if err != nil {
				return err
			}
			err = changeSecret(ctx, api, id, secretChange{Name: id.name, OriginalName: id.name, ShouldDelete: true})
			if rest.StatusIs(err, http.StatusNotFound) {
				return nil
			}
			return err
		},
	}
}

// unread keeps a secret in the state that was written and could not be read.
func unread(err error) *p.InitializationFailed {
	return &p.InitializationFailed{Reasons: []string{err.Error()}}
}

// newDopplerAPI returns a client with the provider's config, or else its
// environment.
func newDopplerAPI(token, host string) (*rest.Client, error) {
	token = cmp.Or(token, os.Getenv("DOPPLER_TOKEN"))
	if token == "" {
		return nil, errors.New("doppler: no dopplerToken: set doppler:dopplerToken or DOPPLER_TOKEN")
	}
	basic := base64.StdEncoding.EncodeToString([]byte(token + ":"))
	return &rest.Client{
		Service:   "Doppler",
		BaseURL:   cmp.Or(host, os.Getenv("DOPPLER_API_HOST"), "https://api.doppler.com"),
		Header:    http.Header{"Authorization": {"Basic " + basic}},
		CheckBody: func(_ int, body []byte) bool { ok, _ := dopplerSays(body); return ok },
		DecodeError: func(_ int, _ http.Header, body []byte) (string, string) {
			_, message := dopplerSays(body)
			return "", message
		},
	}, nil
}

// dopplerSays reads what each answer holds beside its matter.
func dopplerSays(body []byte) (success bool, message string) {
	e := struct {
		Success  bool
		Messages []string
	}{Success: true}
	if json.Unmarshal(body, &e) != nil {
		return false, ""
	}
	return e.Success, strings.Join(e.Messages, "; ")
}

// secretID is the ID of a secret.
type secretID struct{ project, config, name string }

func (id secretID) String() string { return id.project + "." + id.config + "." + id.name }

func secretIDOf(inputs property.Map) secretID {
	return secretID{text(inputs, "project"), text(inputs, "config"), text(inputs, "name")}
}

func parseSecretID(id string) (secretID, error) {
	parts := strings.Split(id, ".")
	if len(parts) != 3 || slices.Contains(parts, "") {
		return secretID{}, fmt.Errorf("the ID %q is not of the form <project>.<config>.<name>", id)
	}
	return secretID{parts[0], parts[1], parts[2]}, nil
}

var (
	secretInputs = []string{"project", "config", "name", "value", "visibility"}
	// visibilities has the default first.
	visibilities = []string{"masked", "unmasked", "restricted"}
)

// checkSecret refuses inputs that are not those of a secret, sets the default and
// marks the value as a secret.
func checkSecret(in property.Map) p.CheckResponse {
	var r p.CheckResponse
	fail := func(key, reason string) {
		r.Failures = append(r.Failures, p.CheckFailure{Property: key, Reason: reason})
	}
	if in.Get("visibility").IsNull() {
		in = in.Set("visibility", property.New(visibilities[0]))
	}
	for _, key := range secretInputs {
		if v := in.Get(key); !v.IsString() && !v.IsComputed() {
			fail(key, "must be a string")
		}
	}
	for key := range in.All {
		if !slices.Contains(secretInputs, key) {
			fail(key, "a secret has no such property")
		}
	}
	if v := in.Get("visibility"); v.IsString() && !slices.Contains(visibilities, v.AsString()) {
		fail("visibility", "must be one of "+strings.Join(visibilities, ", "))
	}
	r.Inputs = in.Set("value", in.Get("value").WithSecret(true))
	return r
}

// pendingSecret is the state of a preview.
func pendingSecret(inputs property.Map) property.Map {
	return inputs.Set("computed", property.New(property.Computed).WithSecret(true))
}

// secretChange is one change of a secret as the API takes it. Value null leaves
// the value as it is, which a deletion does.
type secretChange struct {
	OriginalName string  `json:"originalName"`
	Name         string  `json:"name"`
	Value        *string `json:"value"`
	Visibility   string  `json:"visibility,omitempty"`
	ShouldDelete bool    `json:"shouldDelete"`
}

// changeSecret makes one change. The same change twice is the same as once.
func changeSecret(ctx context.Context, api *rest.Client, id secretID, change secretChange) error {
	body := map[string]any{"project": id.project, "config": id.config, "change_requests": []secretChange{change}}
	return api.DoIdempotent(ctx, http.MethodPost, "/v3/configs/config/secrets", body, nil)
}

// putSecret makes the secret as the inputs say, whether it is there or not.
func putSecret(ctx context.Context, api *rest.Client, id secretID, inputs property.Map) error {
	value := text(inputs, "value")
	return changeSecret(ctx, api, id, secretChange{
		Name: id.name, OriginalName: id.name, Value: &value, Visibility: text(inputs, "visibility"),
	})
}

// errGone: the API answers that every member of the secret's value is null.
var errGone = errors.New("the secret is not there")

// readSecret returns the state of the secret. A value that the API withholds stays
// as it was, unless it is the secret's visibility that withholds it: then the
// token is of the wrong kind to manage it.
func readSecret(ctx context.Context, api *rest.Client, id secretID, before property.Map) (property.Map, error) {
	query := url.Values{"project": {id.project}, "config": {id.config}, "name": {id.name}}
	var got struct {
		Value struct {
			Raw        *string `json:"raw"`
			Computed   *string `json:"computed"`
			Visibility *string `json:"rawVisibility"`
		} `json:"value"`
	}
	if err := api.Do(ctx, http.MethodGet, "/v3/configs/config/secret?"+query.Encode(), nil, &got); err != nil {
		return property.Map{}, err
	}
	v := got.Value
	if v.Raw == nil && v.Computed == nil && v.Visibility == nil {
		return property.Map{}, fmt.Errorf("%s: %w", id, errGone)
	}
	state := property.NewMap(map[string]property.Value{
		"project": property.New(id.project), "config": property.New(id.config), "name": property.New(id.name),
	})
	if v.Visibility != nil {
		state = state.Set("visibility", property.New(*v.Visibility))
	}
	for key, told := range map[string]*string{"value": v.Raw, "computed": v.Computed} {
		was, known := before.GetOk(key)
		switch {
		case told != nil:
			state = state.Set(key, property.New(*told).WithSecret(true))
		case known && text(state, "visibility") != "restricted":
			state = state.Set(key, was.WithSecret(true))
		default:
			return property.Map{}, fmt.Errorf(
				"%s: the API withholds the value: use a service token, or the token of a service account", id)
		}
	}
	return state, nil
}
