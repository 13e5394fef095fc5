package stack

import (
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"portfolio-infra/internal/binding"
	"portfolio-infra/internal/cloudflare"
)

// Config is the stack's configuration, checked. Pulumi.yaml says what each key
// means and what its default is.
type Config struct {
	AccountID          string
	PagesProject       string
	ProductionBranch   string
	Worker             string
	Script             Script
	CompatibilityDate  string
	CompatibilityFlags []string
	Observability      bool
	Vars               map[string]string
	Secrets            map[string]string
	Wanted             binding.Wanted
	Cluster            string
	Region             string
	Database           string
	SQLUser            string
	Rotation           string
	URLOptions         map[string]string
	Doppler            Doppler
	TidbProject        string
	SpendingLimit      int
	Adopt              bool
	OverwriteWorker    bool
	WorkersDev         bool
	Protect            bool
	Cloudflare         Access
	// Unset are the keys of names that are not set, so that the names are made of the
	// project's and the stack's.
	Unset map[string]bool
}

// Doppler names the config there that DATABASE_URL is written to; empty for none.
// https://docs.doppler.com/docs/project-setup
type Doppler struct {
	Project string `json:"project"`
	Config  string `json:"config"`
}

// Names of the Worker's variables that the stack sets itself.
const (
	varOwner       = "PULUMI_STACK"
	varUpload      = "PULUMI_UPLOAD"
	varDatabaseURL = "DATABASE_URL"
)

// maxSpendingLimit is the largest that the API's int32 holds.
const maxSpendingLimit = 1<<31 - 1

var (
	clusterPattern = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9]{2,62}[A-Za-z0-9]$`)
	regionPattern  = regexp.MustCompile(`^regions/(aws|alicloud|azure|gcp)-[a-z0-9]+(-[a-z0-9]+)*$`)
	// What git check-ref-format takes, short of its odder letters.
	branchPattern = regexp.MustCompile(`^[A-Za-z0-9_][-A-Za-z0-9_]{0,99}([./][-A-Za-z0-9_]{1,100}){0,9}$`)
	varPattern    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	flagPattern   = regexp.MustCompile(`^[a-z0-9_]{1,100}$`)
	digitsPattern = regexp.MustCompile(`^[0-9]{1,30}$`)
	// What needs no quotes and no percent-encoding anywhere.
	databasePattern = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	// Prefix, dot and name together have at most 32 characters, and a prefix 15.
	userPattern    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,15}$`)
	dopplerPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,58}[a-z0-9])?$`)
)

// loadConfig reads and checks the whole configuration. Its error lists every
// mistake, each by its key.
func (p Program) loadConfig(ctx *pulumi.Context) (Config, error) {
	if err := checkSystem(runtime.GOOS); err != nil {
		return Config{}, err
	}
	r := newReader(ctx, p)
	c := Config{
		AccountID:          r.accountID(),
		PagesProject:       r.name("pagesProject", "", cloudflare.IsProjectName, "1 to 58 lowercase letters, digits and inner dashes"),
		ProductionBranch:   r.match("productionBranch", branchPattern, "the name of a Git branch"),
		Worker:             r.name("worker", "-api", cloudflare.IsWorkerName, "1 to 63 lowercase letters, digits, underscores and inner dashes"),
		Script:             r.script("workerScript"),
		CompatibilityDate:  r.pastDate("compatibilityDate"),
		CompatibilityFlags: r.flags("compatibilityFlags"),
		Observability:      r.boolean("observability"),
		Cluster:            r.name("cluster", "-db", clusterPattern.MatchString, "4 to 64 letters, digits and inner dashes"),
		Region: r.match("region", regionPattern,
			"a region as TiDB Cloud names it, such as regions/aws-ap-northeast-1"),
		TidbProject:   r.optional("tidbProject", digitsPattern, "a project ID: digits, as the TiDB Cloud console shows them"),
		SpendingLimit: r.integer("spendingLimit", 0, maxSpendingLimit),
		Database:      r.database(),
		SQLUser:       r.sqlUser(),
		Rotation:      r.text("rotation"),
		Adopt:         r.boolean("adopt"),
		Protect:       r.boolean("protect"),
		Cloudflare:    r.cloudflare(),

		OverwriteWorker: r.boolean("overwriteWorker"),
		WorkersDev:      r.boolean("workersDev"),
		Unset:           map[string]bool{},
	}
	c.Vars, c.Secrets = r.variables()
	c.Wanted = r.bindings(c.Worker)
	for key := range c.names() {
		c.Unset[key] = r.text(key) == ""
	}
	c.URLOptions = r.urlOptions()
	c.Doppler = r.doppler()
	r.tidbcloud()
	return c, r.err()
}

// checkSystem refuses the systems on which the commands of the stack cannot run.
func checkSystem(goos string) error {
	if goos == "linux" || goos == "darwin" {
		return nil
	}
	return fmt.Errorf("this stack runs on Linux and macOS, not on %s: on Windows use WSL", goos)
}

func (r *reader) accountID() string {
	id := r.text("accountId")
	if id == "" {
		id = r.program.Getenv("CLOUDFLARE_ACCOUNT_ID")
	}
	switch {
	case id == "":
		r.problem("accountId", "no Cloudflare account: run `pulumi config set accountId ID` or set CLOUDFLARE_ACCOUNT_ID; "+
			"the dashboard shows the ID under Workers & Pages")
	case !cloudflare.IsAccountID(id):
		r.problem("accountId", "%q is not an account ID: 32 hexadecimal digits, as the dashboard shows under Workers & Pages "+
			"(or CLOUDFLARE_ACCOUNT_ID)", id)
	}
	return id
}

// database returns the name of the database, or else one made of the project's.
func (r *reader) database() string {
	const want = "1 to 64 letters, digits and underscores"
	made := strings.ReplaceAll(slug(r.ctx.Project()), "-", "_")
	if name := r.optional("database", databasePattern, "the name of a database: "+want); name != "" {
		return name
	}
	if !databasePattern.MatchString(made) {
		r.problem("database", "the name %q, made of the project's, is not valid: set this key to %s", made, want)
	}
	return made
}

func (r *reader) sqlUser() string {
	name := r.match("sqlUser", userPattern, "the name of a SQL user: a letter and up to 15 letters, digits, underscores and dashes")
	if name == "root" || name == adminUser {
		r.problem("sqlUser", "%q is not for applications: take another name", name)
	}
	return name
}

// urlOptions returns what goes behind the question mark of DATABASE_URL.
func (r *reader) urlOptions() map[string]string {
	options := object[texts](r, "databaseUrlOptions", "an object of texts, NAME: value")
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if !varPattern.MatchString(name) {
			r.problem("databaseUrlOptions", "%q is not the name of an option: letters, digits and underscores, not a digit first", name)
		}
	}
	return options
}

func (r *reader) doppler() Doppler {
	d := object[Doppler](r, "doppler", "an object {project, config}")
	if d == (Doppler{}) {
		return d
	}
	for _, part := range []struct{ name, value string }{{"project", d.Project}, {"config", d.Config}} {
		if !dopplerPattern.MatchString(part.value) {
			r.problem("doppler", "%s %q is not the name of one: lowercase letters, digits, dashes and underscores; both project and config are needed", part.name, part.value)
		}
	}
	const old = "doppler:dopplerToken"
	if config.New(r.ctx, "doppler").Get("dopplerToken") != "" {
		r.problem(old, "it is not read any more: run `pulumi config rm %s`, and `doppler login` or set DOPPLER_TOKEN", old)
	}
	return d
}

func (r *reader) flags(key string) []string {
	flags := object[[]string](r, key, "a list of compatibility flags")
	for _, f := range flags {
		if !flagPattern.MatchString(f) {
			r.problem(key, "%q is not a compatibility flag: lowercase letters, digits and underscores", f)
		}
	}
	return flags
}

// variables returns the Worker's plain and secret variables.
func (r *reader) variables() (vars, secrets map[string]string) {
	vars = object[texts](r, "vars", "an object of texts, NAME: value")
	secrets = object[texts](r, "secrets", "an object of texts, NAME: value")
	if len(secrets) > 0 && !r.secret("secrets") {
		r.problem("secrets", "it is in plain text: set each with `pulumi config set --secret --path secrets.NAME`, and change what was shown")
	}
	r.variableNames("vars", vars)
	r.variableNames("secrets", secrets)
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if _, twice := vars[name]; twice {
			r.problem("secrets", "%s is in vars as well: take it out of one of them", name)
		}
	}
	return vars, secrets
}

func (r *reader) variableNames(key string, m map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch {
		case !varPattern.MatchString(name):
			r.problem(key, "%q is not a variable's name: letters, digits and underscores, not a digit first", name)
		case name == varOwner || name == varUpload || name == varDatabaseURL:
			r.problem(key, "%s is set by the stack itself: take another name", name)
		}
	}
}

// bindings returns the wanted service bindings of the Pages project: the one to
// the stack's own Worker and those of moreBindings.
func (r *reader) bindings(worker string) binding.Wanted {
	own := r.text("binding")
	if err := binding.CheckName(own); err != nil {
		r.problem("binding", "%v", err)
	}
	all := map[string]binding.Service{}
	more := object[map[string]binding.Service](r, "moreBindings", "an object of bindings, NAME: {service, environment, entrypoint}")
	for _, name := range slices.Sorted(maps.Keys(more)) {
		s := more[name]
		if s.Environment == "" {
			s.Environment = binding.DefaultEnvironment
		}
		if err := binding.CheckService(name, s); err != nil {
			r.problem("moreBindings", "%v", err)
		}
		all[name] = s
	}
	if _, twice := all[own]; twice {
		r.problem("moreBindings", "%s is the binding to the stack's own Worker: take another name", own)
	}
	all[own] = binding.Service{Service: worker, Environment: binding.DefaultEnvironment}
	wanted := binding.Wanted{Bindings: all}
	switch preview := r.text("previewBinding"); {
	case preview == "production":
	case preview == "none":
		wanted.Preview = maps.Clone(all)
		delete(wanted.Preview, own)
	case cloudflare.IsWorkerName(preview):
		wanted.Preview = maps.Clone(all)
		wanted.Preview[own] = binding.Service{Service: preview, Environment: binding.DefaultEnvironment}
	default:
		r.problem("previewBinding", "%q is neither production nor none nor the name of a Worker", preview)
	}
	return wanted
}
