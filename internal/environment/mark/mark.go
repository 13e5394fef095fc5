// Package mark says what belongs to the environment of a pull request.
//
// The owner of a stack is random and goes with its state. A run that was killed between a call
// and the saving of the state leaves something that no state knows. So the owner of an
// environment begins with a mark that can be derived: from the repository's ID, which no other
// repository has and which stays when it is renamed, and from the pull request's number.
// Whatever bears the owner bears the mark: the cluster's label, the branch's annotation, the
// Worker's variable and the deployments' commit messages.
package mark

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

// EnvRepository is the environment variable with the repository's ID, which GitHub sets in each
// job. https://docs.github.com/en/actions/reference/workflows-and-actions/variables
const EnvRepository = "GITHUB_REPOSITORY_ID"

var stackPattern = regexp.MustCompile(`^pr-([1-9][0-9]{0,8})$`)

// Number returns the pull request's number of a stack that is an environment. Any other stack
// is none.
func Number(stack string) (n int, ok bool) {
	found := stackPattern.FindStringSubmatch(stack)
	if found == nil {
		return 0, false
	}
	n, err := strconv.Atoi(found[1])
	return n, err == nil
}

// Stack returns the name of the stack of a pull request's environment.
func Stack(n int) string { return "pr-" + strconv.Itoa(n) }

// Of returns the mark of a pull request's environment.
func Of(repository string, n int) string { return prefix(repository) + Stack(n) }

// Owner returns an owner that bears the mark.
func Owner(mark, random string) string { return mark + "-" + random }

// Bears reports whether an owner bears the mark.
func Bears(owner, mark string) bool { return strings.HasPrefix(owner, mark+"-") }

var markPattern = regexp.MustCompile(`^([0-9a-f]{12}-)(pr-[0-9]+)-`)

// Find returns the pull request whose environment of the repository an owner bears the mark of.
func Find(owner, repository string) (n int, ok bool) {
	found := markPattern.FindStringSubmatch(owner)
	if found == nil || found[1] != prefix(repository) {
		return 0, false
	}
	return Number(found[2])
}

// Marked returns the pull request whose mark an owner bears, of whatever repository.
func Marked(owner string) (n int, ok bool) {
	found := markPattern.FindStringSubmatch(owner)
	if found == nil {
		return 0, false
	}
	return Number(found[2])
}

func prefix(repository string) string {
	sum := sha256.Sum256([]byte(repository))
	return hex.EncodeToString(sum[:6]) + "-"
}

var notInSlug = regexp.MustCompile(`[^a-z0-9]+`)

// Slug replaces what names of projects and stacks may have, and host names may not, by hyphens.
// Default names are made of it.
func Slug(s string) string {
	return strings.Trim(notInSlug.ReplaceAllString(strings.ToLower(s), "-"), "-")
}
