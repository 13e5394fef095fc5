package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optimport"
)

const maxRounds = 8

// settle runs plain ups, each after a preview, until one has nothing to do. A refused run
// must have written nothing, and what it advises is done to the letter.
func (c *trial) settle() {
	c.Helper()
	done := map[string]bool{}
	busy := 0
	for range maxRounds {
		r := result{}
		if busy == 0 {
			r = c.operate("preview")
		}
		if r.err == nil {
			r = c.operate("up")
		}
		switch wrote := writes(r.calls); {
		case r.err != nil:
			busy = 0
			if c.othersMakeWay(done) {
				continue
			}
			if len(wrote) > 0 {
				c.Errorf("up was refused after %d writes, first %s: %s", len(wrote), wrote[0], lastLines(c.printed.String()))
			}
			c.followAll(done)
		case c.endOneRunKeys():
			busy = 0
		case len(wrote) == 0 && len(r.changes) == 0:
			return
		default:
			if busy++; busy > 2 {
				c.Fatalf("up number %d still has something to do: %v, %v", busy, r.changes, wrote)
			}
		}
	}
	c.Fatalf("the stack did not converge in %d runs", maxRounds)
}

// followAll follows the engine's latest advice that was not followed yet: first for the state,
// then for the configuration. The caller runs the next up and takes out the keys for one run.
func (c *trial) followAll(done map[string]bool) {
	c.Helper()
	message := c.printed.String()
	advice := slices.DeleteFunc(adviceIn(message), func(line string) bool {
		return done[line] || line == "pulumi up" || strings.HasPrefix(line, "pulumi config rm") && slices.Contains(oneRunKeys, "portfolio:"+line[len("pulumi config rm "):])
	})
	if len(advice) == 0 {
		c.Fatalf("the run is refused, and its advice is used up: %s", lastLines(message))
	}
	slices.SortStableFunc(advice, func(a, b string) int {
		config := func(line string) int { return strings.Count(line, "pulumi config") }
		return config(a) - config(b)
	})
	for _, line := range advice {
		done[line] = true
		c.follow(line)
	}
}

// othersMakeWay does what Cloudflare asks of other people before it deletes what was renamed.
// README.md's table of errors says so. The run that fails with it has done the rest.
func (c *trial) othersMakeWay(done map[string]bool) bool {
	c.Helper()
	for refusal, makeWay := range map[string]func(){
		"it is still referenced by service bindings in Pages projects": func() {
			for _, branch := range theirBranches {
				if _, err := c.clouds.Cloudflare.AddDeployment("portfolio", branch); err != nil {
					c.Fatal(err)
				}
			}
		},
		"Must delete custom domains before deleting project": func() {
			c.byHand("DELETE", cloudflareAPI, c.pages()+"/domains/"+theirDomain, "")
			c.takenOver("PagesDomain", theirDomain) // by its owner
		},
		// Pulumi's Cloudflare provider fails to delete what is gone, and the engine tries again
		// for a tainted project: README.md says to take the taint back, and to refresh.
		"The domain you have requested does not exist": func() {
			state, err := c.State()
			if err != nil {
				c.Fatal(err)
			}
			for _, r := range state.Resources {
				if r.Taint {
					c.state("untaint", string(r.URN))
				}
			}
			c.operate("refresh")
		},
	} {
		if strings.Contains(c.printed.String(), refusal) && !done[refusal] {
			done[refusal] = true
			makeWay()
			return true
		}
	}
	return false
}

// adviceIn returns the commands that a message advises, each once. Of alternatives it takes
// the first.
func adviceIn(message string) (all []string) {
	message = alternatives.ReplaceAllString(message, "")
	for _, m := range advised.FindAllStringSubmatch(message, -1) {
		if line := strings.TrimSpace(m[1] + m[2]); !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	for _, m := range advisedKey.FindAllStringSubmatch(message, -1) {
		if line := "pulumi config set " + m[1] + " " + m[2]; !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	// README.md's table of errors has the command for this one.
	for _, m := range protectedURN.FindAllStringSubmatch(message, -1) {
		all = append(all, "pulumi state unprotect '"+m[1]+"'")
	}
	return all
}

var protectedURN = regexp.MustCompile(`unable to replace resource "([^"]+)"\s+as it is currently marked for protection`)

var advisedKey = regexp.MustCompile(`set the config key (\w+) to (\w+)`)

// alternatives matches the second of two: "To take it back: … To leave it to that stack: …".
var alternatives = regexp.MustCompile(`(?m)^\s*To leave it .*$|[;.] [Tt]o keep it, .*$`)

// A command stands in backticks, or on a line of its own.
var advised = regexp.MustCompile("`((?:pulumi|make|sed) [^`]+)`|(?m:(?:^|: ) *(pulumi (?:config|import|state) [^`\n]+)$)")

var oneRunKeys = []string{"portfolio:adopt", "portfolio:overwriteSite", "portfolio:overwriteWorker", "portfolio:shrinkSite"}

// endOneRunKeys takes out the keys that are for one run only.
func (c *trial) endOneRunKeys() (ended bool) {
	for _, key := range oneRunKeys {
		if _, set := c.Config[key]; set && c.Config[key] != c.world.config[key] {
			delete(c.Config, key)
			ended = true
		}
	}
	return ended
}

var words = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)

// follow does what a message advises.
func (c *trial) follow(line string) {
	c.Helper()
	c.Logf("following: %s", line)
	args := words.FindAllString(line, -1)
	for i, arg := range args {
		args[i] = strings.Trim(arg, `'"`)
	}
	var err error
	switch command := strings.Join(args[1:min(3, len(args))], " "); {
	case args[0] == "make":
	case args[0] == "sed":
		sed := exec.CommandContext(c.Context(), "/bin/sh", "-c", line)
		sed.Dir = c.Root
		err = sed.Run()
	case command == "config set" && len(args) == 5:
		c.set(map[string]any{c.key(args[3]): args[4]})
	case command == "config rm" && len(args) == 4:
		c.set(map[string]any{c.key(args[3]): nil})
	case args[1] == "import" && len(args) == 5:
		// `pulumi import` starts a language host though it runs no program: see [TestMain].
		var self string
		if self, err = os.Executable(); err == nil {
			err = os.Symlink(self, filepath.Join(c.Dir, "path", "pulumi-language-go"))
		}
		if err != nil && !errors.Is(err, os.ErrExist) {
			c.Fatal(err)
		}
		err = c.on(func(s auto.Stack) error {
			_, err := s.ImportResources(c.Context(), optimport.GenerateCode(false), optimport.ProgressStreams(&c.printed), optimport.ErrorProgressStreams(&c.printed),
				optimport.Resources([]*optimport.ImportResource{{Type: args[2], Name: args[3], ID: args[4]}}))
			return err
		})
		c.said.Write(c.printed.Bytes())
		c.takenOver(args[2], args[3])
	case command == "state repair" || command == "state delete" && len(args) == 3:
		// The engine's message for a state that it broke itself.
		_, err = c.Command(c.Context(), "state", "repair", "--yes")
	case args[1] == "state":
		_, err = c.Command(c.Context(), append(args[1:], "--yes")...)
	case args[1] == "up" || args[1] == "refresh" || args[1] == "destroy":
		c.operate(args[1], args[2:]...)
	default:
		c.Fatalf("the test cannot follow %q", line)
	}
	if err != nil {
		c.Errorf("following %q: %v", line, err)
	}
}

// key adds the namespace of a project that was renamed.
func (c *trial) key(name string) string {
	if c.project == "" || strings.Contains(name, ":") {
		return name
	}
	return c.project + ":" + name
}
