package pages

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

// passed matches the variables that other programs need: to be found, to find their files and
// to use the user's language. Node's own are among them, NODE_OPTIONS too. [permitted] leaves
// out NODE_ENV, on which the content of a bundle depends.
// https://nodejs.org/docs/latest-v22.x/api/cli.html#environment-variables_1
// https://docs.npmjs.com/cli/v11/using-npm/config#environment-variables
var passed = regexp.MustCompile(`^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_\w+|XDG_\w+|` +
	`SSL_CERT_FILE|SSL_CERT_DIR|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|NODE_\w+|(?i:npm_config_.+)|` +
	// The folders of Node version managers, whose npx is a program of theirs.
	`VOLTA_HOME|ASDF_DIR|ASDF_DATA_DIR|NODENV_ROOT|MISE_DATA_DIR)$`)

var (
	proxy = regexp.MustCompile(`^(?i:(http|https|all|no)_proxy)$`)
	// credential matches the names of npm's and Node's variables that hold one. login matches a
	// URL that contains one.
	credential = regexp.MustCompile(`(?i)_auth|token|secret|passw|passphrase|credential|key|username|otp`)
	login      = regexp.MustCompile(`://.*@`)
)

// permitted returns the variables of an environment that another program may have, and those
// that named reports. It lists what is known to be harmless, since a name does not show what is
// secret: REDIS_URL is.
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

// gitEnvironment returns the variables that git gets.
// https://git-scm.com/docs/git#_environment_variables
func gitEnvironment() []string {
	return permitted(os.Environ(), func(name string) bool { return strings.HasPrefix(name, "GIT_") && !credential.MatchString(name) })
}

// wranglerEnvironment returns the variables that wrangler gets, those that the user named too.
// What it builds depends on the files alone, unless one of [buildVariables] is named. It
// contacts no server, and writes no log.
// https://developers.cloudflare.com/workers/wrangler/system-environment-variables/
func wranglerEnvironment(names []string) []string {
	quiet := []string{"NODE_ENV=production", "NO_COLOR=1", "WRANGLER_SEND_METRICS=false", "WRANGLER_HIDE_BANNER=true", "WRANGLER_WRITE_LOGS=false"}
	all := append(quiet, permitted(os.Environ(), func(name string) bool { return slices.Contains(names, name) })...)
	// If wrangler is not installed, npx asks the registry for it, and retries for a minute if
	// there is no registry: https://docs.npmjs.com/cli/v11/using-npm/config#offline
	return append(all, "npm_config_offline=true", "npm_config_update_notifier=false", "npm_config_logs_max=0")
}

// buildVariables decide what wrangler builds. They are not secret.
// https://github.com/cloudflare/workers-sdk/blob/f8308360/packages/wrangler/src/deployment-bundle/bundle.ts (getBuildConditions, nodeEnvReplacement)
var buildVariables = []string{"NODE_ENV", "WRANGLER_BUILD_CONDITIONS", "WRANGLER_BUILD_PLATFORM"}

// withoutValues replaces the values of the named variables in a text with their names.
func withoutValues(text string, names []string) string {
	const least = 6 // characters; a shorter value stays
	for _, name := range names {
		if value := os.Getenv(name); len(value) >= least {
			text = strings.ReplaceAll(text, value, "$"+name)
		}
	}
	return text
}
