package sql

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

// The certificate is for each name of this machine, and stays. A damaged one is made again.
func TestOpenCerts(t *testing.T) {
	dir := t.TempDir()
	open := func() *certs {
		t.Helper()
		c, err := openCerts(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"127.0.0.1", "::1", "localhost"} {
			if _, err := c.server.Leaf.Verify(x509.VerifyOptions{Roots: c.roots, DNSName: name}); err != nil {
				t.Error(err)
			}
		}
		return c
	}
	if first := open(); !first.server.Leaf.Equal(open().server.Leaf) {
		t.Error("it is created again")
	}
	for _, name := range []string{serverKeyFile, caFile} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		open()
	}
}
