package engine

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Shell returns the environment for a shell in which people run Pulumi themselves on the
// emulated clouds: a separate backend in dir, and its passphrase. On their own backend,
// `pulumi refresh` would remove the real stack's resources from the state, since the emulated
// clouds do not have them.
func Shell(dir string) (map[string]string, error) {
	folder := filepath.Join(dir, "shell")
	return map[string]string{"PULUMI_BACKEND_URL": backendURL(folder), passphraseVariable: passphrase}, os.MkdirAll(folder, 0o700)
}

// IsLocal reports whether the URL of an API is on this machine.
func IsLocal(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (strings.EqualFold(u.Hostname(), "localhost") || net.ParseIP(u.Hostname()).IsLoopback())
}
