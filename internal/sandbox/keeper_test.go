package main

import (
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"portfolio-infra/internal/sandbox/engine"
)

// keep has a keeper encrypt the secrets of the stack, if it is new and needs no passphrase of the
// test. Otherwise each start of the CLI derives a key from the passphrase, which takes a third of
// all CPU time of a test.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/resource/config/crypt.go, NewSymmetricCrypterFromPassphrase
func (f *fixture) keep() {
	f.Helper()
	state := filepath.Join(f.Dir, "state", ".pulumi")
	stack := filepath.Join(state, "stacks", engine.Project, cmp.Or(f.Stack, engine.Stack)+".json")
	if f.Env["PULUMI_CONFIG_PASSPHRASE"] != "" {
		return
	}
	f.Env["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] = "true" // the stack's file names none
	if _, err := os.Stat(stack); err == nil {
		return
	}
	url := keeper().URL
	f.write(filepath.Join(f.Dir, "home", "credentials.json"), fmt.Sprintf(`{"accounts": {%q: {"accessToken": "token"}}}`, url))
	f.write(filepath.Join(state, "meta.yaml"), "version: 1\n")
	f.write(stack, fmt.Sprintf(`{"version": 3, "checkpoint": {"latest": {"manifest": {}, "secrets_providers": `+
		`{"type": "service", "state": {"url": %q, "owner": "any", "project": "any", "stack": "any"}}}}}`, url))
}

// keeper stands in for the encryption of Pulumi Cloud.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/secrets/service/manager.go
var keeper = sync.OnceValue(func() *httptest.Server {
	flip := func(text []byte) []byte {
		flipped := make([]byte, len(text))
		for i, b := range text {
			flipped[i] = ^b
		}
		return flipped
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(body)
		}
		var in struct {
			Plaintext, Ciphertext   []byte
			Plaintexts, Ciphertexts [][]byte
		}
		_ = json.NewDecoder(body).Decode(&in) // the question for the capabilities has no body
		out := struct {
			apitype.CapabilitiesResponse
			apitype.EncryptValueResponse
			apitype.DecryptValueResponse
			apitype.BatchEncryptResponse
			apitype.BatchDecryptResponse
		}{}
		out.Capabilities = []apitype.APICapabilityConfig{{Capability: apitype.BatchEncrypt}}
		out.Ciphertext, out.Plaintext, out.Plaintexts = flip(in.Plaintext), flip(in.Ciphertext), map[string][]byte{}
		for _, text := range in.Plaintexts {
			out.Ciphertexts = append(out.Ciphertexts, flip(text))
		}
		for _, text := range in.Ciphertexts {
			out.Plaintexts[base64.StdEncoding.EncodeToString(text)] = flip(text)
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
})
