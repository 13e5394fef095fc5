package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filesIn returns the files below a folder. Folders alone say nothing.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRun_badConfig(t *testing.T) {
	t.Chdir("../..")
	for name, test := range map[string]struct{ pair, want string }{
		"key with a line break":        {"clus\nter=x", `"clus\nter" is not the name of a config value`},
		"key with a quote":             {`"cluster"=x`, `is not the name of a config value`},
		"key with a blank":             {"my cluster=x", `"my cluster" is not the name`},
		"key in unicode":               {"clüster=x", `"clüster" is not the name`},
		"key that is no UTF-8":         {"\xff=x", `"\xff" is not the name`},
		"key with two colons":          {"a:b:c=x", `"a:b:c" is not the name`},
		"key without its namespace":    {":cluster=x", `":cluster" is not the name`},
		"key with a path of a secret":  {"secrets[0]=x", `"secrets[0]" is not the name`},
		"key with a shell's words":     {"$(id)=x", `"$(id)" is not the name`},
		"empty pair":                   {"", `"" is not KEY=VALUE`},
		"huge pair without a value":    {strings.Repeat("a", 1<<20), "is not KEY=VALUE"},
		"huge key":                     {strings.Repeat("ä", 1<<20) + "=x", "is not the name"},
		"object that is cut off":       {`vars={"A": "b`, "portfolio:vars: yaml: "},
		"object with a tab":            {"vars={\n\t- A", "portfolio:vars: yaml: "},
		"object with an unknown alias": {"vars={A: *b}", "portfolio:vars: yaml: "},
		"huge list that is cut off":    {"compatibilityFlags=" + strings.Repeat("[", 1<<16), "portfolio:compatibilityFlags: yaml: "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("SANDBOX_DIR", dir)
			for _, verb := range []string{"up", "preview", "refresh", "destroy"} {
				var out, errs bytes.Buffer
				if code := run(t.Context(), []string{verb, "-c", test.pair}, &out, &errs); code != 2 {
					t.Errorf("%s: exit code %d, want 2", verb, code)
				}
				said := errs.String()
				if !strings.HasPrefix(said, "sandbox: "+verb+": ") || !strings.Contains(said, "flag -c: ") || !strings.Contains(said, test.want) || out.Len() > 0 {
					t.Errorf("%s: it says %.300q, want %q", verb, said, test.want)
				}
			}
			if written, err := os.ReadDir(dir); err != nil || len(written) > 0 {
				t.Errorf("written: %v, %v", written, err)
			}
		})
	}
}

func TestRun_badFlags(t *testing.T) {
	t.Chdir("../..")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"empty command":             {[]string{""}, `unknown command ""`},
		"command with a line break": {[]string{"up\n"}, `unknown command "up\n"`},
		"-c without a pair":         {[]string{"up", "-c"}, "flag needs an argument: -c"},
		"workers in words":          {[]string{"matrix", "-workers", "many"}, `invalid value "many" for flag -workers`},
		"workers beyond an int":     {[]string{"matrix", "-workers", "99999999999999999999"}, "for flag -workers"},
		"no workers":                {[]string{"matrix", "-workers", "0"}, "it takes one at least"},
		"fewer than no workers":     {[]string{"matrix", "-workers", "-3"}, "it takes one at least"},
		"sample of what":            {[]string{"matrix", "-sample=maybe"}, `invalid boolean value "maybe" for -sample`},
		"two statements":            {[]string{"sql", "SELECT 1", "SELECT 2"}, `unexpected argument "SELECT 2"`},
		"argument of cancel":        {[]string{"cancel", "now"}, `unexpected argument "now"`},
		"argument of serve":         {[]string{"serve", "--", "-detach"}, `unexpected argument "-detach"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("SANDBOX_DIR", dir)
			var out, errs bytes.Buffer
			if code := run(t.Context(), test.args, &out, &errs); code != 2 || !strings.Contains(errs.String(), test.want) || out.Len() > 0 {
				t.Errorf("exit code %d: %q, want %q", code, errs.String(), test.want)
			}
			if written, err := os.ReadDir(dir); err != nil || len(written) > 0 {
				t.Errorf("written: %v, %v", written, err)
			}
		})
	}
}

func TestRun_badFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	for name, dir := range map[string]string{
		"a file":            file,
		"below a file":      filepath.Join(file, "a", "b"),
		"name that is huge": filepath.Join(t.TempDir(), strings.Repeat("a", 5000)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SANDBOX_DIR", dir)
			var out, errs bytes.Buffer
			if code := run(t.Context(), []string{"up"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "SANDBOX_DIR: ") || out.Len() > 0 {
				t.Errorf("exit code %d: %.300q", code, errs.String())
			}
			if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
				t.Errorf("the file holds %q, %v", b, err)
			}
		})
	}
}

func TestSandbox_badEnvironment(t *testing.T) {
	for name, test := range map[string]struct{ env, value, want string }{
		"time without a unit":       {"SANDBOX_CLUSTER_TIME", "10", `"10" is not a length of time such as 500ms or 10s`},
		"time below zero":           {"SANDBOX_CLUSTER_TIME", "-1s", `"-1s" is not a length of time`},
		"time beyond all bounds":    {"SANDBOX_CLUSTER_TIME", "99999999999h", "is not a length of time"},
		"time with a line break":    {"SANDBOX_CLUSTER_TIME", "1s\n", `"1s\n" is not a length of time`},
		"time in unicode":           {"SANDBOX_CLUSTER_TIME", "１s", "is not a length of time"},
		"faults in words":           {"SANDBOX_FAULTS", "POST 500", "invalid character"},
		"one fault without a list":  {"SANDBOX_FAULTS", `{"status":500}`, "cannot unmarshal object"},
		"fault that is a number":    {"SANDBOX_FAULTS", `[500]`, "cannot unmarshal number"},
		"status in words":           {"SANDBOX_FAULTS", `[{"status":"500"}]`, "cannot unmarshal string"},
		"status of none":            {"SANDBOX_FAULTS", `[{"status":42}]`, "fault 0: status 42 is not one from 200 to 599"},
		"unknown member of a fault": {"SANDBOX_FAULTS", `[{"mehtod":"POST","status":500}]`, `unknown field "mehtod"`},
		"header that is a list":     {"SANDBOX_FAULTS", `[{"header":{"Retry-After":["1"]}}]`, "cannot unmarshal array"},
		"times with a fraction":     {"SANDBOX_FAULTS", `[{"times":1.5}]`, "cannot unmarshal number 1.5"},
		"pattern that is none":      {"SANDBOX_FAULTS", `[{},{"path":"/["}]`, `fault 1: path "/["`},
		"two lists":                 {"SANDBOX_FAULTS", `[][]`, "there is more after the list"},
		"list with words behind it": {"SANDBOX_FAULTS", `[] and so on`, "there is more after the list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(test.env, test.value)
			s := &sandbox{dir: t.TempDir()}
			_, err := s.startClouds()
			if err == nil || !strings.Contains(err.Error(), test.env) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %s and %q in it", err, test.env, test.want)
			}
			// The log of calls is opened first, and stays empty.
			for _, file := range filesIn(t, s.dir) {
				if info, err := os.Stat(file); err != nil || info.Size() > 0 {
					t.Errorf("written: %s", file)
				}
			}
		})
	}
}
