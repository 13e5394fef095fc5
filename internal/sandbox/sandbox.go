package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/sandbox/build"
	"portfolio-infra/internal/sandbox/clouds"
	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/engine"
)

// sandbox is one run of a command, with its flags.
type sandbox struct {
	// root is the project's folder, by default the working directory. dir keeps everything; by
	// default it is SANDBOX_DIR.
	root, dir      string
	lookup         clouds.Lookup
	stdout, stderr io.Writer

	stack        string         // empty is the default
	config       map[string]any // on top of the stack's file, by key
	served       bool           // another process serves the clouds, as the environment says
	showSecrets  bool
	sql          sqlRequest
	siteAddress  string
	detach, stop bool
}

// open finds the folders. The project's folder must be the working directory, since resources
// name paths relative to it.
func (s *sandbox) open() (err error) {
	if s.root == "" {
		if s.root, err = os.Getwd(); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(s.root, "Pulumi.yaml")); err != nil {
		return fmt.Errorf("%s has no Pulumi.yaml: run this in the project's folder", s.root)
	}
	if s.dir == "" {
		s.dir = s.env("SANDBOX_DIR")
	}
	if s.dir == "" {
		s.dir = ".sandbox"
	}
	if !filepath.IsAbs(s.dir) {
		s.dir = filepath.Join(s.root, s.dir)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("SANDBOX_DIR: %w", err)
	}
	return nil
}

func (s *sandbox) env(name string) string {
	value, _ := s.lookup(name)
	return value
}

// shown returns a path below the sandbox's own folder in the form to print.
func (s *sandbox) shown(name string) string {
	path := filepath.Join(s.dir, name)
	if short, err := filepath.Rel(s.root, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}

func (s *sandbox) engine(env map[string]string) *engine.Engine {
	return &engine.Engine{Root: s.root, Dir: s.dir, Stack: s.stack, Env: env, Config: s.config, Stdout: s.stdout, Stderr: s.stderr}
}

// useServed checks that the environment names clouds on this machine: the sandbox never
// talks to the real ones.
func (s *sandbox) useServed(string) error {
	for _, name := range []string{"CLOUDFLARE_BASE_URL", "TIDBCLOUD_SERVERLESS_ENDPOINT", "TIDBCLOUD_IAM_ENDPOINT"} {
		if !engine.IsLocal(s.env(name)) {
			return fmt.Errorf("%s is not that of `sandbox serve`: run eval \"$(bin/sandbox serve -detach)\" first", name)
		}
	}
	s.served = true
	return nil
}

// keyPattern is a config key, with a namespace or without.
var keyPattern = regexp.MustCompile(`^([A-Za-z0-9_.-]+:)?[A-Za-z0-9_.-]+$`)

// setConfig sets a config value of the form KEY=VALUE for this run; objects and lists are
// YAML.
func (s *sandbox) setConfig(pair string) error {
	key, value, ok := strings.Cut(pair, "=")
	if !ok || key == "" {
		return fmt.Errorf("%q is not KEY=VALUE", pair)
	}
	if !keyPattern.MatchString(key) {
		return fmt.Errorf("%q is not a config key", key)
	}
	var parsed any = value
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
		if err := yaml.Unmarshal([]byte(value), &parsed); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if s.config == nil {
		s.config = map[string]any{}
	}
	s.config[key] = parsed
	return nil
}

// start starts the clouds. It builds TiDB first if there is none.
func (s *sandbox) start(ctx context.Context) (*clouds.Clouds, error) {
	lookup, err := s.withTiDB(ctx)
	if err != nil {
		return nil, err
	}
	return clouds.Start(ctx, s.dir, lookup)
}

// withTiDB returns the environment with the path of the TiDB that the clouds need. It builds
// TiDB if there is none. New clusters are copied from what lies beside it.
func (s *sandbox) withTiDB(ctx context.Context) (clouds.Lookup, error) {
	program, err := build.TiDB(ctx, s.root, s.lookup, s.stderr)
	if err == nil && s.env(build.TiDBVariable) == "" {
		err = sql.Prepare(program)
	}
	return func(name string) (string, bool) {
		if name == build.TiDBVariable {
			return program, true
		}
		return s.lookup(name)
	}, err
}

func operate(verb string) func(context.Context, *sandbox, string) error {
	return func(ctx context.Context, s *sandbox, _ string) error {
		if verb == "refresh" || verb == "destroy" {
			if err := s.checkStack(); err != nil {
				return err
			}
		}
		r := operation{sandbox: s, verb: verb, start: time.Now()}
		if s.served {
			path, err := clouds.Path(s.dir, s.lookup)
			if err != nil {
				return err
			}
			return r.do(ctx, map[string]string{"PATH": path}, "")
		}
		if env, ok := clouds.SharedEnvironment(ctx, s.dir); ok {
			var err error
			if env["PATH"], err = clouds.Path(s.dir, s.lookup); err != nil {
				return err
			}
			fmt.Fprintln(s.stdout, "on the emulated clouds of the process that serves them")
			return r.do(ctx, env, env[siteVariable])
		}
		c, err := s.start(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		s.checkStart(ctx, c)
		return r.do(ctx, c.Env, "")
	}
}

// output prints all outputs, or one.
func output(ctx context.Context, s *sandbox, name string) error {
	if err := s.checkStack(); err != nil {
		return err
	}
	outputs, err := s.engine(nil).Outputs(ctx, s.showSecrets)
	if err != nil {
		return err
	}
	var shown any = outputs
	if name != "" {
		value, ok := outputs[name]
		if !ok {
			return fmt.Errorf("no output %q: there are %v", name, slices.Sorted(maps.Keys(outputs)))
		}
		if text, ok := value.(string); ok {
			_, err := fmt.Fprintln(s.stdout, text)
			return err
		}
		shown = value
	}
	e := json.NewEncoder(s.stdout)
	e.SetIndent("", "  ")
	return e.Encode(shown)
}

func cancel(ctx context.Context, s *sandbox, _ string) error {
	if err := s.checkStack(); err != nil {
		return err
	}
	return s.engine(nil).Cancel(ctx)
}

func serve(ctx context.Context, s *sandbox, _ string) error {
	switch {
	case s.detach && s.stop:
		return fmt.Errorf("serve: -detach and -stop exclude each other: %w", errUsage)
	case s.stop:
		return clouds.Stop(ctx, s.dir)
	case s.detach:
		if _, err := s.withTiDB(ctx); err != nil { // the background process would not show its progress
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		return clouds.ServeDetached(ctx, s.stdout, self, "serve")
	}
	shell, err := engine.Shell(s.dir)
	if err != nil {
		return err
	}
	lookup, err := s.withTiDB(ctx)
	if err != nil {
		return err
	}
	return clouds.Serve(ctx, s.dir, lookup, shell, s.stdout)
}
