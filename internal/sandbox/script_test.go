package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/rogpeppe/go-internal/testscript"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// The scripts are stories of a stack: up, a change by hand, up again, and a look. Each has a
// sandbox of its own. `go test -run TestScripts/drift` runs one.
func TestScripts(t *testing.T) {
	t.Parallel()
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for name, run := range scriptCommands {
		cmds[name] = func(script *testscript.TestScript, fail bool, args []string) {
			s := script.Value(storyKey{}).(*story)
			s.script, s.fail = script, fail
			if fail && !slices.Contains(fallible, name) {
				s.Fatalf("unsupported: ! %s", name)
			}
			run(s, args)
		}
	}
	testscript.Run(t, testscript.Params{Dir: "testdata/scripts", Cmds: cmds, Setup: func(env *testscript.Env) error {
		s := &story{TB: env.T().(testing.TB)}
		s.fixture = openFixture(s.TB, s.TempDir())
		s.fixture.TB = s
		env.Values[storyKey{}] = s
		work, err := filepath.Rel(root, env.WorkDir)
		for name, value := range map[string]string{"root": root, "work": work, "token": s.clouds.Cloudflare.Token, "zone": cloudflare.DefaultZoneID} {
			env.Setenv(name, value)
		}
		return err
	}})
}

type storyKey struct{}

// story is the sandbox of a script, and its line that runs. A failure of the sandbox is one of
// the line.
type story struct {
	testing.TB
	*fixture
	script *testscript.TestScript
	fail   bool // the line begins with "!"
}

func (s *story) Errorf(format string, args ...any) { s.Fatalf(format, args...) }
func (s *story) Error(args ...any)                 { s.Fatalf("%s", fmt.Sprint(args...)) }
func (s *story) Fatal(args ...any)                 { s.Fatalf("%s", fmt.Sprint(args...)) }
func (s *story) Fatalf(format string, args ...any) { s.script.Fatalf(format, args...) }

// print makes text what testscript's own command stdout looks at.
func (s *story) print(text string) { fmt.Fprint(s.script.Stdout(), text) }

// scriptCommands are the commands beside testscript's own.
var scriptCommands = map[string]func(*story, []string){
	"up": verb("up"), "preview": verb("preview"), "refresh": verb("refresh"), "destroy": verb("destroy"),
	"nochanges": nochanges, "refused": refused, "set": set, "cf": cf, "tidb": tidb, "sql": sqlStatement, "bound": bound, "left": left,
}

// fallible are the commands that "!" stands before if they must fail.
var fallible = []string{"up", "preview", "refresh", "destroy", "cf", "tidb", "sql"}

// verb is `up [FLAG…] KIND=N…`: exactly so many resources change in each of these ways, if any is
// given. `! up [FLAG…] TEXT…` fails and says each text.
func verb(name string) func(*story, []string) {
	return func(s *story, args []string) {
		var options []optup.Option
		for ; len(args) > 0 && strings.HasPrefix(args[0], "--"); args = args[1:] {
			options = append(options, s.option(args[0]))
		}
		r := s.try(name, options...)
		s.print(s.printed.String())
		if s.ends("", r.err); s.fail {
			s.says(name, args...)
		} else if len(args) > 0 {
			want := map[string]int{}
			for _, arg := range args {
				kind, n, _ := strings.Cut(arg, "=")
				if want[kind] = s.number(n); want[kind] == 0 {
					delete(want, kind)
				}
			}
			s.want("changes", r.changes, want)
		}
	}
}

// option is a flag of `pulumi up`. An up with the flag --plan does what a preview planned.
func (s *story) option(flag string) optup.Option {
	name, urn, _ := strings.Cut(flag, "=")
	switch name {
	case "--refresh":
		return optup.Refresh()
	case "--target":
		return optup.Target([]string{urn})
	case "--exclude":
		return optup.Exclude([]string{urn})
	case "--replace":
		return optup.Replace([]string{urn})
	case "--plan":
		file := s.savePlan()
		s.print(s.printed.String())
		return optup.Plan(file)
	}
	s.Fatalf("no flag %s", flag)
	return nil
}

func (s *story) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.Fatal(err)
	}
	return n
}

// nochanges: an up has nothing to do.
func nochanges(s *story, _ []string) {
	s.noChanges()
	s.print(s.printed.String())
}

// refused TEXT…: a preview and an up fail, say each text, and write nothing.
func refused(s *story, args []string) {
	s.refused(args...)
	s.print(s.printed.String())
}

// set KEY=VALUE… -KEY…: sets config values as the sandbox's flag -c does, and takes them out.
// `set --secret KEY=VALUE` encrypts it.
func set(s *story, args []string) {
	for _, arg := range args {
		config := sandbox{}
		if key, value, _ := strings.Cut(arg, "="); args[0] == "--secret" && value != "" {
			config.config = map[string]any{key: s.encrypt(value)}
		} else if key, ok := strings.CutPrefix(arg, "-"); ok {
			config.config = map[string]any{key: nil}
		} else if err := config.setConfig(arg); err != nil {
			s.Fatal(err)
		}
		s.set(config.config)
	}
}

// cf METHOD PATH [FILE | PART=FILE…]: a call to Cloudflare by hand, with JSON or a form. A PATH is
// one of the account; project, worker and record are those of the stack.
func cf(s *story, args []string) {
	s.call(cloudflareAPI, args, func(path string) string {
		if rest, ok := strings.CutPrefix(path, "project"); ok {
			return s.pages() + rest
		}
		if rest, ok := strings.CutPrefix(path, "worker"); ok {
			return s.scripts() + rest
		}
		if path == "record" {
			return "/zones/" + cloudflare.DefaultZoneID + "/dns_records/" + s.resource("DnsRecord").ID.String()
		}
		return s.account() + path
	})
}

// tidb METHOD PATH [FILE]: a call to TiDB Cloud by hand. The PATH cluster is the only one that is
// not deleted, and user/NAME an SQL user of it.
func tidb(s *story, args []string) {
	s.call(tidbAPI, args, func(path string) string {
		if strings.HasPrefix(path, "/") {
			return path
		}
		cluster := s.cluster()
		path = strings.Replace(path, "user/", "cluster/sqlUsers/"+cluster.UserPrefix+".", 1)
		return strings.Replace(path, "cluster", "/clusters/"+cluster.ClusterID, 1)
	})
}

// partTypes are the types of a form's parts, by the file's extension.
var partTypes = map[string]string{".json": "application/json", ".js": "application/javascript+module"}

func (s *story) call(base string, args []string, expand func(path string) string) {
	if len(args) < 2 {
		s.Fatal("usage: METHOD PATH [FILE | PART=FILE…]")
	}
	body, contentType := []byte(nil), partTypes[".json"]
	var parts []emulator.Part
	for _, arg := range args[2:] {
		name, file, isPart := strings.Cut(arg, "=")
		if !isPart {
			body = []byte(s.script.ReadFile(arg))
			break
		}
		parts = append(parts, emulator.Part{Name: name, Type: partTypes[filepath.Ext(file)], Content: []byte(s.script.ReadFile(file))})
	}
	if parts != nil {
		body, contentType = emulator.Form(parts...)
	}
	answer, err := s.trySend(args[0], base, expand(args[1]), contentType, string(body))
	s.ends(answer, err)
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(answer), "", "  ") == nil {
		answer = indented.String()
	}
	s.print(answer + "\n")
}

// ends checks the end of a call or a statement.
func (s *story) ends(answer string, err error) {
	if (err != nil) != s.fail {
		s.Fatalf("%v\n%s", err, answer)
	}
}

// sql USER STATEMENT: runs a statement as app, by the connection string that the Worker has, or
// as admin.
func sqlStatement(s *story, args []string) {
	app, admin := s.login()
	logins := map[string]string{"app": app, "admin": admin}
	if len(args) != 2 || logins[args[0]] == "" {
		s.Fatal("usage: sql app|admin STATEMENT")
	}
	rows, err := s.tryQuery(logins[args[0]], args[1])
	s.ends(rows, err)
	if err != nil {
		rows = err.Error() + "\n"
	}
	s.print(rows)
}

// bound: both environments of the project have the binding.
func bound(s *story, _ []string) { s.bound() }

// left PROJECTS WORKERS CLUSTERS: there are so many.
func left(s *story, args []string) {
	if len(args) != 3 {
		s.Fatal("usage: left PROJECTS WORKERS CLUSTERS")
	}
	s.left(s.number(args[0]), s.number(args[1]), s.number(args[2]))
}
