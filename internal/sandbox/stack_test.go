package main

import (
	"net/http"
	"strings"
	"testing"
)

// A token in the config is kept in the command's environment. It does not make the command's
// output a secret, and may be changed.
func TestStack_tokenInConfig(t *testing.T) {
	f := newFixture(t)
	f.set(map[string]any{"cloudflare:apiToken": f.clouds.Cloudflare.Token})
	f.up()
	public, err := f.Outputs(t.Context(), false)
	if err != nil || public["binding"] == "[secret]" || public["binding"] == nil {
		t.Errorf("the output binding is %v, %v", public["binding"], err)
	}
	f.want("secret outputs", []any{public["databaseUrl"], public["migrationUrl"]}, []any{"[secret]", "[secret]"})
	f.noChanges()
	const rotated = "a-token-that-was-made-later-0123456789ab"
	f.clouds.Cloudflare.Token = rotated
	f.set(map[string]any{"cloudflare:apiToken": rotated})
	f.up()
	f.noChanges()

	// What is deleted together with its parent is not deleted separately. So destroy needs no
	// program and no old token, and can delete an inactive cluster, whose users cannot be
	// changed.
	if err := f.clouds.TiDB.SetState(f.cluster().ClusterID, "INACTIVE"); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.run("destroy").calls {
		if strings.Contains(c.Path, "/sqlUsers") || c.Method == http.MethodGet && strings.Contains(c.Path, "/pages/projects") {
			t.Errorf("destroy made the call %s %s", c.Method, c.Path)
		}
	}
	f.left(0, 0, 0)
}
