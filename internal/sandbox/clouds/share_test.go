package clouds

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portfolio-infra/internal/testcheck"
)

func TestClouds_Share(t *testing.T) {
	dir := t.TempDir()
	if env, ok := SharedEnvironment(t.Context(), dir); ok {
		t.Errorf("before anything serves: %v", env)
	}
	share := func() *Clouds {
		c := start(t, dir)
		testcheck.Error(t, c.Share(dir))
		return c
	}
	share().Close()
	folder, err := os.Stat(filepath.Dir(shareFile(dir)))
	if err != nil {
		t.Fatal(err)
	}
	if folder.Mode().Perm()&0o077 != 0 {
		t.Errorf("other users can enter the socket's folder: %s", folder.Mode())
	}
	// The socket of a process that was killed.
	testcheck.Error(t, os.WriteFile(shareFile(dir), nil, 0o600))
	c := share()
	env, ok := SharedEnvironment(t.Context(), dir)
	if diff := cmp.Diff(c.Env, env); diff != "" || !ok {
		t.Error(diff)
	}
	c.Close()
	if _, ok := SharedEnvironment(t.Context(), dir); ok {
		t.Error("the environment is there after the end")
	}
}

// A deployment's own address is on this machine.
func TestStart_deploymentURL(t *testing.T) {
	c := start(t, t.TempDir())
	response, err := http.Get(c.Cloudflare.DeploymentURL("site", "0a1b"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown deployment: %d", response.StatusCode)
	}
}
