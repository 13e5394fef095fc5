package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// checkKeys notes the config keys that nobody reads: misspelt ones, and those that a
// project left behind when it was renamed. The known keys are those that were asked for, so
// it comes last.
//
// The SDK gives a value by its key and has no list of them. The list is in the environment,
// where the language host puts the configuration; where it is not, nothing is checked.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/pulumi-language-go/main.go, constructConfig
func (r *reader) checkKeys() {
	var all map[string]string
	if json.Unmarshal([]byte(r.program.Getenv(pulumi.EnvConfig)), &all) != nil {
		return
	}
	own, known := r.known()
	left := map[string][]string{} // by namespace
	for _, key := range slices.Sorted(maps.Keys(all)) {
		namespace, name, _ := strings.Cut(key, ":")
		switch {
		case r.asked[key]:
		case namespace == r.ctx.Project():
			r.unknownKey(name, own)
		case !known[namespace] && plainKey.MatchString(namespace) && slices.Contains(own, name) && !isProvidersRegion(name, all[key]):
			left[namespace] = append(left[namespace], name)
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(left)) {
		names := left[namespace]
		r.problem(namespace+":"+names[0], "the project is called %s, so nobody reads the keys of %s (%s): move them all, encrypted ones too, by `%s`; "+
			"of a key that the file then has twice, remove one line",
			r.ctx.Project(), namespace, strings.Join(names, ", "), r.renameLine(namespace+":", r.ctx.Project()+":"))
	}
}

// known returns the project's keys without their namespace, and the other namespaces that
// somebody reads: the engine, this program, and the providers whose SDKs are linked into it.
func (r *reader) known() (own []string, namespaces map[string]bool) {
	namespaces = map[string]bool{"pulumi": true}
	for key := range r.asked {
		namespace, name, _ := strings.Cut(key, ":")
		if namespace == r.ctx.Project() {
			own = append(own, name)
		} else {
			namespaces[namespace] = true
		}
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			namespaces[providerOf(module.Path)] = true
		}
	}
	slices.Sort(own)
	return own, namespaces
}

var sdkPattern = regexp.MustCompile(`(?:^|/)pulumi-([a-z0-9-]+)/sdk(?:/|$)`)

// providerOf returns the provider whose SDK a module is, or "". Its name is the namespace of
// its configuration.
func providerOf(module string) string {
	if found := sdkPattern.FindStringSubmatch(module); found != nil {
		return found[1]
	}
	return ""
}

// isProvidersRegion reports whether a key is like aws:region, which an environment gives to
// every program, even if it does not use that provider. Ours has another form.
// https://www.pulumi.com/docs/esc/environments/syntax/reserved-properties/pulumi-config/
func isProvidersRegion(name, value string) bool {
	return name == "region" && !strings.HasPrefix(value, "regions/")
}

// plainKey matches keys and namespaces that a shell and sed take literally, apart from the
// dot.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// unknownKey notes a key of the project that nobody reads.
func (r *reader) unknownKey(name string, known []string) {
	member := memberPattern.FindStringSubmatch(name)
	switch guess := similar(name, known); {
	case member != nil && slices.Contains(known, member[1]):
		secret := ""
		if r.isSecret(name) {
			secret = " --secret"
		}
		r.problem(name, "a member of %s is set by --path: run `pulumi config rm '%s'`, then `pulumi config set%s --path '%s'`", member[1], name, secret, name)
	case !plainKey.MatchString(name):
		r.problem(strconv.Quote(name), "there is no such key; remove it from Pulumi.%s.yaml", r.ctx.Stack())
	case guess != "":
		r.problem(name, "there is no such key; did you mean %s? `%s` renames it, `pulumi config rm %s` removes it",
			guess, r.renameLine(r.full(name)+":", r.full(guess)+":"), name)
	default:
		r.problem(name, "there is no such key: `pulumi config rm %s` removes it", name)
	}
}

// memberPattern matches the path of a member and captures the key.
var memberPattern = regexp.MustCompile(`^([A-Za-z]+)[.[][][A-Za-z0-9_."-]+$`)

// renameLine returns the command that changes how keys begin in the stack's settings file.
// With -i.bak it works with GNU's sed and with BSD's. No `pulumi config` command moves a
// secret, or all keys.
func (r *reader) renameLine(from, to string) string {
	return fmt.Sprintf(`sed -i.bak 's/^\([ "]*\)%s/\1%s/' Pulumi.%s.yaml`, strings.ReplaceAll(from, ".", `\.`), to, r.ctx.Stack())
}

// similar returns the known key that name is a misspelling of, or "".
func similar(name string, known []string) (best string) {
	least := max(2, len(name)/4) + 1
	for _, key := range known {
		if n := distance(strings.ToLower(name), strings.ToLower(key)); n < least && n < len(name) {
			best, least = key, n
		}
	}
	return best
}

// distance is the number of bytes to insert, delete and replace that makes a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
