package pages

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEnvironment(t *testing.T) {
	kept := []string{"PATH=/bin", "HOME=/root", "USER=me", "SHELL=/bin/sh", "TMPDIR=/tmp", "LANG=C", "LC_ALL=C.UTF-8", "TZ=UTC", "XDG_CACHE_HOME=/x", "XDG_CONFIG_HOME=/x",
		"HTTPS_PROXY=http://me:pass@proxy", "https_proxy=http://x", "no_proxy=localhost", "NO_PROXY=localhost", "ALL_PROXY=x", "SSL_CERT_FILE=/x", "NODE_EXTRA_CA_CERTS=/x",
		"NODE_OPTIONS=--require=/x", "NODE_PATH=/x", "NODE_TLS_REJECT_UNAUTHORIZED=0", "npm_config_cache=/x", "NPM_CONFIG_REGISTRY=https://registry.example.com",
		"npm_config_userconfig=/x/.npmrc", "VOLTA_HOME=/x"}
	removed := []string{"CLOUDFLARE_API_TOKEN=x", "CLOUDFLARE_ACCOUNT_ID=x", "PULUMI_CONFIG_PASSPHRASE=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_PROFILE=x",
		"TIDBCLOUD_PRIVATE_KEY=x", "DATABASE_URL=x", "REDIS_URL=x", "SENTRY_DSN=x", "db_password=x", "DOPPLER_TOKEN=x", "GITHUB_TOKEN=x", "PGPASSFILE=x", "KUBECONFIG=x",
		"NODE_AUTH_TOKEN=x", "NPM_TOKEN=x", "NODE_ENV=test", "npm_config__authToken=x", "npm_config__auth=x", "npm_config__password=x", "npm_config_username=x", "npm_config_otp=1",
		"npm_config_//registry.npmjs.org/:_authToken=x", "NPM_CONFIG_TOKEN=x", "npm_config_key=x", "npm_config_registry=https://me:pass@registry.example.com",
		"WRANGLER_LOG=debug", "GIT_DIR=/x", "MY_PATH=/x", "HOMEBREW_GITHUB_API_TOKEN=x", "EMPTY="}
	environ := append(slices.Clone(kept), removed...)
	none := func(string) bool { return false }
	equal(t, "all", permitted(environ, none), kept)
	equal(t, "named", permitted([]string{"REDIS_URL=x", "REDIS_URL_2=x"}, func(name string) bool { return name == "REDIS_URL" }), []string{"REDIS_URL=x"})
}

// git runs programs that its configuration names.
func TestLastCommit_environment(t *testing.T) {
	bin := onPath(t, "git", "env >\"${0%/*}/seen\"")
	for name, value := range map[string]string{"CLOUDFLARE_API_TOKEN": apiToken, "GIT_CEILING_DIRECTORIES": "/x", "GIT_PASSWORD": "x"} {
		t.Setenv(name, value)
	}
	lastCommit(t.Context(), t.TempDir())
	seen, err := os.ReadFile(filepath.Join(bin, "seen"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"CLOUDFLARE_API_TOKEN": false, "GIT_PASSWORD": false, "GIT_CEILING_DIRECTORIES": true, "HOME": os.Getenv("HOME") != ""} {
		equal(t, "git sees "+name, strings.Contains("\n"+string(seen), "\n"+name+"="), want)
	}
}
