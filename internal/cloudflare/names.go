package cloudflare

import "regexp"

var (
	accountPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)
	projectPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$`)
	workerPattern  = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
)

// IsAccountID reports whether s has the form of an account's ID.
// https://developers.cloudflare.com/fundamentals/account/find-account-and-zone-ids/
func IsAccountID(s string) bool { return accountPattern.MatchString(s) }

// IsProjectName reports whether a Pages project may have the name, which becomes the first label
// of the site's host name.
func IsProjectName(s string) bool { return projectPattern.MatchString(s) }

// IsWorkerName reports whether a Worker may have the name.
// https://developers.cloudflare.com/workers/wrangler/configuration/#inheritable-keys
func IsWorkerName(s string) bool { return workerPattern.MatchString(s) }
