package fakedoppler_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/fakedoppler"
)

func TestCloud_Restart(t *testing.T) {
	const other = "dp.sa.another0token"
	for _, tt := range []struct {
		name          string
		before, after *fakedoppler.Cloud
		told          bool
	}{
		{"the same token", &fakedoppler.Cloud{}, &fakedoppler.Cloud{}, true},
		{"another token", &fakedoppler.Cloud{}, &fakedoppler.Cloud{Token: other}, false},
		{"another token, the same key", &fakedoppler.Cloud{Key: "k"}, &fakedoppler.Cloud{Key: "k", Token: other}, true},
		{"the same token, another key", &fakedoppler.Cloud{Key: "k"}, &fakedoppler.Cloud{Key: "l"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "doppler.json")
			tt.before.File, tt.after.File = file, file
			c := serve(t, tt.before)
			c.change(`"name":"A","value":"` + secret + `","visibility":"unmasked"`)
			onDisk(t, file, secret, "hunter2", token, `"k"`)

			d := serve(t, tt.after)
			if err := d.cloud.Load(); err != nil {
				t.Fatal(err)
			}
			v := d.get("A")
			if is(v.Raw, secret) != tt.told || (v.Raw == nil) == tt.told || !is(v.Visibility, "unmasked") {
				t.Errorf("it answers %+v", v)
			}
			if d.cloud.Is("portfolio", "dev", "A", secret) != tt.told {
				t.Errorf("it is known by its value: %v", !tt.told)
			}
			if have, want := d.cloud.Secrets(), c.cloud.Secrets(); len(have) != 1 || have[0] != want[0] {
				t.Errorf("there is %+v, was %+v", have, want)
			}
			// Writing it again makes it known.
			d.change(`"name":"A","value":"` + secret + `"`)
			if v := d.get("A"); !is(v.Raw, secret) || !d.cloud.Is("portfolio", "dev", "A", secret) {
				t.Errorf("written again it is %+v", v)
			}
			onDisk(t, file, secret, "hunter2", token, other)
		})
	}
}

// onDisk reports what of the texts is in the file, which is its owner's alone.
func onDisk(t *testing.T, file string, texts ...string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if strings.Contains(string(b), text) {
			t.Errorf("the file holds %q", text)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestCloud_BadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doppler.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := serve(t, &fakedoppler.Cloud{File: file})
	if err := c.cloud.Load(); err == nil || !strings.Contains(err.Error(), "remove it to begin anew") {
		t.Errorf("the error is %v", err)
	}
	c.refused("GET", "/v3/me", "", 500, "remove it to begin anew")
	if c.cloud.Secrets() != nil || c.cloud.Is("portfolio", "dev", "A", "1") {
		t.Error("there is something in it")
	}
}

// A change that cannot be saved is not made.
func TestCloud_CannotSave(t *testing.T) {
	dir := t.TempDir()
	c := serve(t, &fakedoppler.Cloud{File: filepath.Join(dir, "gone", "doppler.json")})
	res := c.do("POST", many, body("dev", `"name":"A","value":"`+secret+`"`))
	if res.status != 500 || strings.Contains(res.body, "hunter2") {
		t.Errorf("%d %s", res.status, res.body)
	}
	if v := c.get("A"); v != (value{}) {
		t.Errorf("it is there: %+v", v)
	}
}
