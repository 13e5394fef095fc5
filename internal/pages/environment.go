package pages

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

// passed matches the variables that other programs get: what they need to be found, to find
// their files and to speak the user's language. Node's own are among them, NODE_OPTIONS too,
// but for NODE_ENV, on which the content of a bundle depends.
// https://nodejs.org/docs/latest-v22.x/api/cli.html#environment-variables_1
// https://docs.npmjs.com/cli/v11/using-npm/config#environment-variables
var passed = regexp.MustCompile(`^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_\w+|XDG_\w+|` +
	`SSL_CERT_FILE|SSL_CERT_DIR|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|NODE_\w+|(?i:npm_config_.+)|` +
	// Where the managers of Node's versions are, whose npx is a program of theirs.
	`VOLTA_HOME|ASDF_DIR|ASDF_DATA_DIR|NODENV_ROOT|MISE_DATA_DIR)$`)

var (
	proxy = regexp.MustCompile(`^(?i:(http|https|all|no)_proxy)$`)
	// credential matches the names of variables of npm and Node that have one, and login a URL
	// with one.
	credential = regexp.MustCompile(`(?i)_auth|token|secret|passw|passphrase|credential|key|username|otp`)
	login      = regexp.MustCompile(`://.*@`)
)

// permitted returns those variables of an environment that another program may have, and
// those that named reports. It is a list of what is known to do no harm, since no name tells
// what is secret: REDIS_URL is.
func permitted(environ []string, named func(name string) bool) (kept []string) {
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		harmless := passed.MatchString(name) && name != "NODE_ENV" && !credential.MatchString(name) && !login.MatchString(value)
		if harmless || proxy.MatchString(name) || named(name) {
			kept = append(kept, variable)
		}
	}
	return kept
}

// gitEnvironment returns what git may have.
// https://git-scm.com/docs/git#_environment_variables
func gitEnvironment() []string {
	return permitted(os.Environ(), func(name string) bool { return strings.HasPrefix(name, "GIT_") && !credential.MatchString(name) })
}

// wranglerEnvironment returns what wrangler may have: also what the user named. What it
// builds depends on the files alone, unless NODE_ENV is among the names. It speaks to
// nobody, and writes no log.
// https://developers.cloudflare.com/workers/wrangler/system-environment-variables/
func wranglerEnvironment(names []string) []string {
	quiet := []string{"NODE_ENV=production", "NO_COLOR=1", "WRANGLER_SEND_METRICS=false", "WRANGLER_HIDE_BANNER=true", "WRANGLER_WRITE_LOGS=false"}
	all := append(quiet, permitted(os.Environ(), func(name string) bool { return slices.Contains(names, name) })...)
	// npx asks the registry for a wrangler that is not installed, and tries again for a minute
	// where there is none: https://docs.npmjs.com/cli/v11/using-npm/config#offline
	return append(all, "npm_config_offline=true", "npm_config_update_notifier=false", "npm_config_logs_max=0")
}

// buildVariables are those that decide what wrangler builds. They are no secrets.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/bundle.ts (getBuildConditions, nodeEnvReplacement)
var buildVariables = []string{"NODE_ENV", "WRANGLER_BUILD_CONDITIONS", "WRANGLER_BUILD_PLATFORM"}

// withoutValues replaces the values of the named variables in a text by their names.
func withoutValues(text string, names []string) string {
	const least = 6 // characters of a secret
	for _, name := range names {
		if value := os.Getenv(name); len(value) >= least {
			text = strings.ReplaceAll(text, value, "$"+name)
		}
	}
	return text
}
