package pages

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio-infra/internal/cloudflare"
)

// The types of variables.
const (
	plainText  = "plain_text"
	secretText = "secret_text"
)

// digest returns a digest of a secret variable, which tells a later run whether the value has
// changed. It is part of the result, which is not secret: without the key nobody can guess the
// value.
func (r BindRequest) digest(name string) string {
	return keyedDigest(r.Key, name, r.Secrets[name])
}

func keyedDigest(key string, parts ...string) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%q", parts)
	return hex.EncodeToString(mac.Sum(nil))
}

// digests returns the digests of the secret variables by name.
func (r BindRequest) digests() map[string]string {
	digests := map[string]string{}
	for name := range r.Secrets {
		digests[name] = r.digest(name)
	}
	return digests
}

// Settings returns a hash that changes with what a production deployment takes from the
// project. Like the digests, it reveals nothing.
func (r BindRequest) Settings() string {
	b, err := json.Marshal([]any{r.In("production"), r.Vars, r.Secrets, r.CompatibilityDate, r.CompatibilityFlags})
	if err != nil {
		panic(err) // it has only strings
	}
	return keyedDigest(r.Key, string(b))[:32]
}

// earlier is what an earlier run left in a project: its plain variables, and the digests of its
// secret ones.
type earlier struct{ vars, digests map[string]string }

// patchSettings adds to an environment's patch what its variables and compatibility settings
// lack, and returns the names of what is set and removed. It leaves alone what others set,
// unless the request sets it too.
func (r BindRequest) patchSettings(live cloudflare.DeploymentConfig, before earlier, patch *cloudflare.ConfigPatch) (set, removed []string) {
	patch.EnvVars = map[string]*cloudflare.EnvVar{}
	for name, value := range r.Vars {
		want := cloudflare.EnvVar{Type: plainText, Value: value}
		if v := live.EnvVars[name]; v == nil || *v != want {
			patch.EnvVars[name] = &want
		}
	}
	for name, value := range r.Secrets {
		if !isSecret(live, name) || before.digests[name] != r.digest(name) {
			patch.EnvVars[name] = &cloudflare.EnvVar{Type: secretText, Value: value}
		}
	}
	for name := range patch.EnvVars {
		set = append(set, name)
	}
	remove := func(name string, unchanged bool) {
		_, isVar := r.Vars[name]
		_, isSecret := r.Secrets[name]
		if !isVar && !isSecret && unchanged {
			patch.EnvVars[name] = nil
			removed = append(removed, name)
		}
	}
	for name, was := range before.vars {
		v := live.EnvVars[name]
		remove(name, v != nil && *v == cloudflare.EnvVar{Type: plainText, Value: was})
	}
	for name := range before.digests {
		remove(name, isSecret(live, name))
	}
	slices.Sort(set)
	slices.Sort(removed)
	if r.CompatibilityDate != "" && r.CompatibilityDate != live.CompatibilityDate {
		patch.CompatibilityDate = r.CompatibilityDate
		set = append(set, "compatibilityDate")
	}
	if r.CompatibilityDate != "" && !slices.Equal(r.CompatibilityFlags, live.CompatibilityFlags) {
		patch.CompatibilityFlags = append([]string{}, r.CompatibilityFlags...)
		set = append(set, "compatibilityFlags")
	}
	return set, removed
}

// isSecret reports whether an environment has a secret variable. The API does not return
// its value.
func isSecret(live cloudflare.DeploymentConfig, name string) bool {
	v := live.EnvVars[name]
	return v != nil && v.Type == secretText
}

// wranglerLines returns the settings as a Wrangler file has them. Secrets have no place
// there: https://developers.cloudflare.com/pages/functions/wrangler-configuration/#inheritable-keys
func (w Wanted) wranglerLines() string {
	var b strings.Builder
	if w.CompatibilityDate != "" {
		fmt.Fprintf(&b, "\ncompatibility_date = %q\n", w.CompatibilityDate)
	}
	if len(w.CompatibilityFlags) > 0 {
		fmt.Fprintf(&b, "compatibility_flags = [%s]\n", strings.Join(quotedAll(w.CompatibilityFlags), ", "))
	}
	if len(w.Vars) > 0 {
		b.WriteString("\n[vars]\n")
	}
	for _, name := range slices.Sorted(maps.Keys(w.Vars)) {
		fmt.Fprintf(&b, "%s = %q\n", name, w.Vars[name])
	}
	return b.String()
}

func quotedAll(texts []string) (all []string) {
	for _, s := range texts {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return all
}

// withoutSecrets returns the names, as environment.NAME, that are not those of secrets. A
// Wrangler file cannot have secrets, and leaves them alone (assumed).
func (r BindRequest) withoutSecrets(names []string) (others []string) {
	for _, full := range names {
		_, name, _ := strings.Cut(full, ".")
		if _, isSecret := r.Secrets[name]; !isSecret {
			others = append(others, full)
		}
	}
	return others
}
