package stack

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// Two stacks in one process see nothing of each other's, or of the process's own
// environment.
func TestProgram_sideBySide(t *testing.T) {
	t.Setenv("CLOUDFLARE_ACCOUNT_ID", "not an account")
	t.Setenv("PATH", t.TempDir())
	var wg sync.WaitGroup
	for _, digit := range []string{"a", "b"} {
		account := strings.Repeat(digit, 32)
		cloud := &emulated.Cloud{AccountID: account, Token: faultToken + digit}
		root, bin := t.TempDir(), t.TempDir()
		for name, content := range map[string]string{
			filepath.Join(root, digit+".js"): "export default {}",
			filepath.Join(bin, "doppler"):    "#!/bin/sh\necho --visibility $PATH",
		} {
			if err := os.WriteFile(name, []byte(content), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		program := Program{
			Getenv: func(name string) string {
				return map[string]string{
					"CLOUDFLARE_ACCOUNT_ID": account,
					"CLOUDFLARE_API_TOKEN":  faultToken + digit,
					"TIDBCLOUD_PUBLIC_KEY":  "publickey",
					"TIDBCLOUD_PRIVATE_KEY": "privatekey",
					"PATH":                  bin,
				}[name]
			},
			HTTP: &http.Client{Transport: &faultlist.Transport{Handler: cloud, Kind: func(r *http.Request, _ []byte) string { return r.URL.Path }}},
			Dir:  root,
		}
		e := &engine{registered: map[string]pulumi.MockResourceArgs{}}
		wg.Go(func() {
			if err := pulumi.RunErr(program.Run, pulumi.WithMocks("portfolio", "dev", e), func(ri *pulumi.RunInfo) {
				ri.Config = withDefaults("portfolio", map[string]string{
					"portfolio:workerScript": digit + ".js",
					"portfolio:doppler":      `{"project":"portfolio","config":"prd"}`,
				})
			}); err != nil {
				t.Error(err)
				return
			}
			worker := e.registered["portfolio-dev-api"].Inputs
			if have := worker["accountId"].StringValue(); have != account {
				t.Errorf("account %s, want %s", have, account)
			}
			if have := worker["contentFile"].StringValue(); have != digit+".js" {
				t.Errorf("script %s, want %s.js", have, digit)
			}
		})
	}
	wg.Wait()
}
