package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optimport"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// trial is a cell of the matrix of operations at work: a sandbox of its own, in which each
// call of the clouds is watched.
type trial struct {
	*fixture
	world     *world
	rows      string // see [world]; "" where the stack is not there yet
	strangers []stranger
	project   string // its name, if it was renamed
	// asks is what the user asked to go in this cell.
	asks asks

	mu          sync.Mutex
	connections map[string]string // DATABASE_URL by Worker
	secrets     map[string]bool
	served      bool
	outage      string // why the site does not serve rows
	disagreed   map[string]bool
	// said is what the engine printed in all operations.
	said bytes.Buffer
}

// asks is what an operation asks to go.
type asks struct {
	rows    bool // the cluster, with all that is on it
	project bool // the Pages project, with its deployments and domains
	site    bool // something that the site needs: it may be away until an up has succeeded
}

func (a asks) with(b asks) asks {
	return asks{a.rows || b.rows, a.project || b.project, a.site || b.site}
}

// flagged gives each operation of the engine more flags: those that the Automation API has
// not, and the others in the same way.
type flagged struct {
	auto.PulumiCommand
	verb  string
	flags []string
}

func (c flagged) Run(ctx context.Context, dir string, stdin io.Reader, stdout, stderr []io.Writer, env []string, args ...string) (string, string, int, error) {
	if args[0] == c.verb {
		args = append(slices.Clone(args), c.flags...)
	}
	return c.PulumiCommand.Run(ctx, dir, stdin, stdout, stderr, env, args...)
}

// operate runs an operation with flags, and checks what it may never do.
func (c *trial) operate(verb string, flags ...string) result {
	c.Helper()
	what := strings.Join(append([]string{verb}, flags...), " ")
	plain := c.CLI
	c.CLI = flagged{plain, verb, flags}
	r := c.try(verb)
	c.CLI = plain
	if r.err != nil {
		c.Logf("%s failed: %s", what, lastLines(c.printed.String()))
	} else {
		c.Logf("%s: %v, writes: %v", what, r.changes, writes(r.calls))
	}
	c.said.Write(c.printed.Bytes())
	if verb == "up" && r.err == nil && !strings.Contains(what, " --target") && !strings.Contains(what, " --exclude") {
		c.agreesWithConfig(what)
	}
	c.keptRows(what)
	c.leftStrangers(what)
	return r
}

// lastLines returns what the engine printed of errors.
func lastLines(text string) string {
	_, diagnostics, found := strings.Cut(text, "Diagnostics:")
	if !found {
		diagnostics = text
		if i := strings.Index(text, "error"); i >= 0 {
			diagnostics = text[i:]
		}
	}
	for _, end := range []string{"Resources:", "Outputs:", "goroutine "} {
		diagnostics, _, _ = strings.Cut(diagnostics, end)
	}
	return strings.TrimSpace(diagnostics[:min(len(diagnostics), 4000)])
}

func writes(calls []emulator.Call) (all []string) {
	for _, c := range calls {
		if c.Write() {
			all = append(all, c.Method+" "+c.Path)
		}
	}
	return all
}

// watch follows what the Worker was given and whether the site serves rows, at each write of
// the clouds.
func (c *trial) watch() {
	c.served = c.broken() == ""
	c.clouds.Intercept(func(r *http.Request, after bool) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case r.Method == http.MethodGet:
		case !after:
			c.learn(r)
		default:
			c.checkServing(r.Method + " " + r.URL.Path)
		}
		return false
	})
}

var (
	workerPath      = regexp.MustCompile(`/workers/scripts/([^/]+)$`)
	connectionText  = regexp.MustCompile(`mysql://[^"\s]+`)
	passwordInField = regexp.MustCompile(`"password":\s*"([^"]+)"`)
)

// learn notes the secrets of a call that comes in.
func (c *trial) learn(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return
	}
	for _, m := range passwordInField.FindAllSubmatch(body, -1) {
		c.secrets[string(m[1])] = true
	}
	if path := workerPath.FindStringSubmatch(r.URL.Path); path != nil && r.Method == http.MethodPut {
		if connection := connectionText.Find(body); connection != nil {
			c.connections[path[1]] = string(connection)
			c.secrets[string(connection)] = true
		}
	}
}

// checkServing notes the write that ended what the site served, once.
func (c *trial) checkServing(call string) {
	why := c.broken()
	if c.served && why != "" && !c.asks.site {
		c.Errorf("the site is down since %s: %s", call, why)
	}
	if c.served = why == ""; !c.served {
		c.outage = why
	}
}

// broken says why no project of the stack serves rows, or returns "". Such a project serves a
// deployment of ours that is bound to a Worker whose DATABASE_URL logs in.
func (c *trial) broken() string {
	why := "there is no project"
	for _, name := range ourProjects {
		if why = c.brokenProject(name, why); why == "" {
			return ""
		}
	}
	return why
}

func (c *trial) brokenProject(name, missing string) string {
	site, ok, err := c.clouds.Cloudflare.Site(name)
	switch {
	case err != nil:
		return err.Error()
	case !ok:
		return missing
	case c.world != nil && slices.Contains(c.world.deployments, site.Deployment):
		return "it serves a stranger's deployment"
	}
	why := "it is bound to no Worker"
	for _, service := range site.Services {
		if !slices.Contains(ourWorkers, service.Service) {
			continue
		}
		if why = c.brokenWorker(service.Service); why == "" {
			return ""
		}
	}
	return why
}

func (c *trial) brokenWorker(name string) string {
	scripts := c.clouds.Cloudflare.Scripts()
	i := slices.IndexFunc(scripts, func(s cloudflare.Script) bool { return s.Name == name })
	if i < 0 {
		return "there is no Worker " + name
	}
	u, err := url.Parse(c.connections[name])
	if err != nil || u.User == nil {
		return "the Worker " + name + " was given no DATABASE_URL"
	}
	if !scripts[i].Secrets["DATABASE_URL"].Is(c.connections[name]) {
		return "the Worker " + name + " has another DATABASE_URL than it was given"
	}
	password, _ := u.User.Password()
	prefix, _, _ := strings.Cut(u.User.Username(), ".")
	for _, cluster := range c.clouds.TiDB.Clusters() {
		if cluster.UserPrefix == prefix && cluster.State == "ACTIVE" && c.clouds.TiDB.CheckPassword(cluster.ClusterID, u.User.Username(), password) {
			return ""
		}
	}
	return "the login " + u.User.Username() + " of the Worker " + name + " does not log in"
}

// keptRows checks that the rows are where they were, unless the user gave them up.
func (c *trial) keptRows(when string) {
	c.Helper()
	if c.rows == "" || c.asks.rows {
		return
	}
	if have, err := c.tryQuery(c.rows, "SELECT text FROM precious"); err != nil || have != "text\nstill here\n" {
		c.Errorf("%s: the rows are gone: %q, %v", when, have, err)
		c.asks.rows = true // said once
	}
}

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

// followAll does what the engine just advised and was not done yet: first what concerns the
// state, then the configuration. The next up, and taking out what is for one run, is the
// caller's.
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

// othersMakeWay does what Cloudflare asks of other people before it deletes what got another
// name. README's table of errors says so; the run that ends with it has done the rest.
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

// converged checks that all of the stack agrees, after [trial.settle].
func (c *trial) converged() {
	c.Helper()
	c.mu.Lock()
	why := c.broken()
	c.mu.Unlock()
	if why != "" && c.Config["portfolio:site"] != "" {
		c.Errorf("at the end the site serves no rows: %s", why)
	}
	c.noSecrets()
}

// agreesWithConfig checks what the clouds have against the configuration.
func (c *trial) agreesWithConfig(when string) {
	c.Helper()
	if c.project != "" {
		return // the configuration is in another file
	}
	once := func(format string, args ...any) {
		if !c.disagreed[format] {
			c.Errorf(when+": "+format, args...)
		}
		c.disagreed[format] = true
	}
	text := func(key, otherwise string) string {
		value, _ := c.Config["portfolio:"+key].(string)
		return cmp.Or(value, otherwise)
	}
	texts := func(key string) map[string]string {
		all := map[string]string{}
		values, _ := c.Config["portfolio:"+key].(map[string]any)
		for name, value := range values {
			all[name], _ = value.(string)
		}
		return all
	}
	name, worker := text("pagesProject", "portfolio"), text("worker", "portfolio-api")
	project := find(c.clouds.Cloudflare.Projects(), func(p cloudflare.Project) bool { return p.Name == name })
	script := find(c.clouds.Cloudflare.Scripts(), func(s cloudflare.Script) bool { return s.Name == worker })
	if project == nil || script == nil {
		return // the names are the default
	}
	binding := text("binding", "API_SERVICE")
	if have := project.Production.Services[binding].Service; have != worker {
		once("the project's binding %s leads to %q", binding, have)
	}
	if have := project.Preview.Services[binding].Service; have != worker && text("previewBinding", "production") == "production" {
		once("the project's preview binding %s leads to %q", binding, have)
	}
	for name, value := range texts("siteVars") {
		if project.Production.Vars[name] != value || project.Preview.Vars[name] != value {
			once("the project's variable %s is %q and %q", name, project.Production.Vars[name], project.Preview.Vars[name])
		}
	}
	for name, value := range texts("vars") {
		if script.Vars[name] != value {
			once("the Worker's variable %s is %q", name, script.Vars[name])
		}
	}
	domain := text("domain", "")
	if domain != "" && !slices.Contains(project.Domains, domain) {
		once("the project's domains are %v", project.Domains)
	}
	if domain != "" && text("zoneId", "") != "" && !slices.ContainsFunc(c.clouds.Cloudflare.Records(), func(r cloudflare.Record) bool {
		return r.Name == domain && r.Content == name+".pages.dev"
	}) {
		once("there is no record of %s: %v", domain, c.clouds.Cloudflare.Records())
	}
}

// adviceIn returns the commands that a message advises, each once.
func adviceIn(message string) (all []string) {
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
	// README's table of errors has the command for this one.
	for _, m := range protectedURN.FindAllStringSubmatch(message, -1) {
		all = append(all, "pulumi state unprotect '"+m[1]+"'")
	}
	return all
}

var protectedURN = regexp.MustCompile(`unable to replace resource "([^"]+)"\s+as it is currently marked for protection`)

var advisedKey = regexp.MustCompile(`set the config key (\w+) to (\w+)`)

// A command stands in backticks, or on a line of its own.
var advised = regexp.MustCompile("`((?:pulumi|make|sed) [^`]+)`|(?m:(?:^|: ) *(pulumi (?:config|import|state) [^`\n]+)$)")

var oneRunKeys = []string{"portfolio:adopt", "portfolio:overwriteSite", "portfolio:overwriteWorker"}

// endOneRunKeys takes out the keys that are meant for one run.
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
		c.addLanguageHost()
		err = c.on(func(s auto.Stack) error {
			_, err := s.ImportResources(c.Context(), optimport.GenerateCode(false), optimport.ProgressStreams(&c.printed), optimport.ErrorProgressStreams(&c.printed),
				optimport.Resources([]*optimport.ImportResource{{Type: args[2], Name: args[3], ID: args[4]}}))
			return err
		})
		c.said.Write(c.printed.Bytes())
		c.takenOver(args[2], args[3])
	case command == "state repair" || command == "state delete" && len(args) == 3:
		// The engine's words for a state that it broke itself.
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

// noSecrets searches for the secrets of the cell in what is kept and what was printed, saved
// plans too.
func (c *trial) noSecrets() {
	c.Helper()
	c.mu.Lock()
	secrets := maps.Clone(c.secrets)
	c.mu.Unlock()
	secrets[c.clouds.Cloudflare.Token] = true
	secrets[c.clouds.TiDB.PrivateKey] = true
	for text := range maps.Clone(secrets) {
		if u, err := url.Parse(text); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets[password] = true
		}
	}
	search := map[string][]byte{"what was printed": c.said.Bytes()}
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			search[strings.TrimPrefix(path, c.Dir)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	for secret := range secrets {
		for form, text := range encodings(secret) {
			for where, content := range search {
				if i := bytes.Index(content, []byte(text)); i >= 0 {
					c.Errorf("a secret (%s) is in %s: …%s…", form, where, bytes.ReplaceAll(content[max(0, i-60):i], []byte("\n"), []byte(" ")))
				}
			}
		}
	}
}
