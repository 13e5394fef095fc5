package clouds

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"portfolio-infra/internal/sandbox/emulator"
)

// Lookup looks up an environment variable, as [os.LookupEnv] does.
type Lookup func(name string) (value string, set bool)

// defaultClusterTime is how long a new cluster takes. Real ones take 7 to 10 seconds.
const defaultClusterTime = 3 * time.Second

// setting returns the value of an environment variable, or else the default.
func (c *Clouds) setting(lookup Lookup, name, def string) string {
	value, set := lookup(name)
	if !set {
		value = def
	}
	c.Env[name] = value
	return value
}

// random makes up a credential.
func random(length int) string { return strings.ToLower(rand.Text() + rand.Text())[:length] }

func setFaults(faults *emulator.Faults, lookup Lookup) error {
	text, _ := lookup("SANDBOX_FAULTS")
	if text == "" {
		return nil
	}
	var list []emulator.Fault
	// A fault with a misspelt member would hit the wrong calls.
	err := emulator.Unmarshal([]byte(text), &list)
	if err == nil {
		err = faults.Set(list...)
	}
	if err != nil {
		return fmt.Errorf("reading SANDBOX_FAULTS: %w", err)
	}
	return nil
}

func duration(lookup Lookup, name string, def time.Duration) (time.Duration, error) {
	text, _ := lookup(name)
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: %q is not a duration such as 500ms or 10s", name, text)
	}
	return d, nil
}

//go:embed doppler.sh
var dopplerStandIn []byte

// Path writes the stand-in for the Doppler CLI into dir. It returns a PATH with the stand-in
// first.
func Path(dir string, lookup Lookup) (string, error) {
	bin := filepath.Join(dir, "path")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return "", err
	}
	path, _ := lookup("PATH")
	// Another run may be reading it.
	return bin + string(os.PathListSeparator) + path, emulator.WriteFile(filepath.Join(bin, "doppler"), dopplerStandIn, 0o700)
}
