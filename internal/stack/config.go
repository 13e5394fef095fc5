package stack

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/binding"
	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// Config is the stack's configuration, checked: what the components need beside each
// other. Pulumi.yaml describes each key and has its default.
type Config struct {
	Names      NamesArgs
	TiDB       TiDBArgs
	Worker     WorkerArgs
	Pages      PagesArgs
	Site       *SiteArgs   // nil if somebody else deploys the site
	Domain     *DomainArgs // nil if the site has none of its own
	Doppler    Doppler
	Cloudflare *cloudflare.Client
}

var (
	checkProject = rule(cloudflare.IsProjectName, "1 to 58 lowercase letters, digits and inner hyphens")
	checkWorker  = rule(cloudflare.IsWorkerName, "1 to 63 lowercase letters, digits, underscores and inner hyphens")
	// What git check-ref-format takes, without its unusual characters.
	checkBranch      = pattern(`^[A-Za-z0-9_][-A-Za-z0-9_]{0,99}([./][-A-Za-z0-9_]{1,100}){0,9}$`, "the name of a Git branch")
	checkVar         = pattern(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`, "letters, digits and underscores, not a digit first")
	checkFlag        = pattern(`^[a-z0-9_]{1,100}$`, "a compatibility flag: lowercase letters, digits and underscores")
	checkTiDBProject = pattern(`^[0-9]{0,30}$`, "empty or a project ID: digits, as the TiDB Cloud console shows them")
	// What needs no quotes and no percent-encoding anywhere.
	checkDatabase    = pattern(`^[A-Za-z0-9_]{1,64}$`, "1 to 64 letters, digits and underscores")
	checkDopplerName = pattern(`^[a-z0-9]([a-z0-9_-]{0,58}[a-z0-9])?$`, "lowercase letters, digits, inner hyphens and underscores")
)

func checkSQLUser(name string) error {
	if name == adminUser {
		return fmt.Errorf("%q is the stack's own admin; choose another name", name)
	}
	return tidbcloud.CheckUserName(name)
}

func checkWorkerVar(name string) error {
	if name == varOwner || name == varUpload || name == varRotation || name == varDatabaseURL {
		return fmt.Errorf("%s is set by the stack itself; choose another name", name)
	}
	return checkVar(name)
}

func checkPastDate(date string) error {
	day, err := time.Parse(time.DateOnly, date)
	switch {
	case err != nil:
		return fmt.Errorf("%q must be a date in the form YYYY-MM-DD", date)
	case day.After(time.Now()):
		return fmt.Errorf("%s is in the future; Workers takes no date after today", date)
	}
	return nil
}

// checkSystem refuses the systems on which the commands of the stack cannot run.
func checkSystem(goos string) error {
	if goos == "linux" || goos == "darwin" {
		return nil
	}
	return fmt.Errorf("this stack runs on Linux and macOS, not on %s: on Windows use WSL", goos)
}

// loadConfig reads and checks the whole configuration. Its error lists every problem,
// each by its key.
func (p Program) loadConfig(ctx *pulumi.Context) (Config, error) {
	if err := checkSystem(runtime.GOOS); err != nil {
		return Config{}, err
	}
	r := &reader{ctx: ctx, program: p, asked: map[string]bool{}, kept: map[string]bool{}}
	client, commandEnv := r.cloudflare()
	name := slug(ctx.Project() + "-" + ctx.Stack())
	pagesProject := r.name("pagesProject", name, checkProject)
	worker := r.name("worker", name+"-api", checkWorker)
	cluster := r.name("cluster", name+"-db", tidbcloud.CheckClusterName)
	database := r.name("database", strings.ReplaceAll(slug(ctx.Project()), "-", "_"), checkDatabase)
	vars, secrets := r.variables("vars", "secrets", checkWorkerVar)
	flags := r.flags("compatibilityFlags")
	workers := bundle.Runtime{Date: r.text("compatibilityDate"), Flags: flags}
	adopt, protect := r.boolean("adopt"), r.boolean("protect")
	c := Config{
		Names: NamesArgs{
			Names:      map[string]string{"pagesProject": pagesProject, "worker": worker, "cluster": cluster, "database": database},
			Default:    map[string]bool{},
			Adopt:      adopt,
			Cloudflare: client,
		},
		TiDB: TiDBArgs{
			ClusterName:   cluster,
			Region:        r.checked("region", tidbcloud.CheckRegion),
			ProjectID:     r.checked("tidbProject", checkTiDBProject),
			SpendingLimit: r.integer("spendingLimit", 0, math.MaxInt32),
			Database:      database,
			SQLUser:       r.checked("sqlUser", checkSQLUser),
			Rotation:      r.step("rotation"),
			URLOptions:    r.texts("databaseUrlOptions", checkVar, false),
			Schema:        r.schema("migrations"),
			Adopt:         adopt,
			Protect:       protect,
		},
		Worker: WorkerArgs{
			Name:               worker,
			Script:             r.script("workerScript", workers),
			CompatibilityDate:  r.checked("compatibilityDate", checkPastDate),
			CompatibilityFlags: flags,
			Observability:      r.boolean("observability"),
			Vars:               vars,
			VarsSecret:         r.isSecret("vars"),
			Secrets:            secrets,
			Overwrite:          r.boolean("overwriteWorker"),
			WorkersDev:         r.boolean("workersDev"),
			Cloudflare:         client,
		},
		Pages: PagesArgs{
			Name:             pagesProject,
			ProductionBranch: r.checked("productionBranch", checkBranch),
			Bindings:         r.bindings(worker),
			Hidden:           r.isSecret("siteVars") || r.isSecret("moreBindings"),
			CommandEnv:       commandEnv,
			Protect:          protect,
			Cloudflare:       client,
		},
		Doppler:    r.doppler(),
		Cloudflare: client,
	}
	for key := range c.Names.Names {
		c.Names.Default[key] = r.text(key) == ""
	}
	c.Pages.Bindings.Vars, c.Pages.Secrets = r.siteVariables(c.Pages.Bindings)
	overwriteSite := r.boolean("overwriteSite")
	if site := r.site("site", workers); site != nil {
		c.Pages.Deployed = true
		c.Pages.Bindings.CompatibilityDate, c.Pages.Bindings.CompatibilityFlags = c.Worker.CompatibilityDate, flags
		c.Site = &SiteArgs{
			Site:       *site,
			Flags:      flags,
			Overwrite:  overwriteSite,
			CommandEnv: commandEnv,
			Cloudflare: client,
		}
	}
	if domain := r.domain("domain", "zoneId"); domain != nil {
		c.Names.Domain = domain
		c.Domain = &DomainArgs{Domain: *domain, Cloudflare: client}
	}
	r.tidbcloud()
	r.checkKeys()
	if err := r.err(); err != nil {
		return c, err
	}
	return c, r.warnOfSecrets()
}

func (r *reader) flags(key string) []string {
	flags := object[[]string](r, key, "a list of compatibility flags")
	for _, flag := range flags {
		r.check(key, flag, checkFlag)
	}
	return flags
}

func (r *reader) doppler() Doppler {
	d := object[Doppler](r, "doppler", "an object {project, config}")
	if d == (Doppler{}) {
		return d
	}
	for _, part := range []struct{ name, value string }{{"project", d.Project}, {"config", d.Config}} {
		if err := checkDopplerName(part.value); err != nil {
			r.problem("doppler", "%s %v; both project and config are needed", part.name, err)
		}
	}
	const token = "doppler:dopplerToken"
	if r.text(token) != "" {
		r.problem(token, "no longer read: run `pulumi config rm %s`, and `doppler login` or set DOPPLER_TOKEN", token)
	}
	return d
}

// variables returns plain and secret variables, whose names do not meet.
func (r *reader) variables(varsKey, secretsKey string, c check) (vars, secrets map[string]string) {
	vars, secrets = r.texts(varsKey, c, false), r.texts(secretsKey, c, true)
	if len(secrets) > 0 && !r.isSecret(secretsKey) {
		r.problem(secretsKey, "the value is in plain text: set each secret with `pulumi config set --secret --path %s.NAME`, then rotate the exposed value", secretsKey)
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if _, both := vars[name]; both {
			r.problem(secretsKey, "%s is in %s too; remove it from one of them", name, varsKey)
		}
	}
	return vars, secrets
}

// bindings returns the wanted service bindings of the Pages project: the one to the
// stack's own Worker and those of moreBindings.
func (r *reader) bindings(worker string) binding.Wanted {
	r.kept["moreBindings"] = true
	own := r.checked("binding", binding.CheckName)
	all := map[string]binding.Service{}
	more := object[map[string]binding.Service](r, "moreBindings", "an object of bindings, NAME: {service, environment, entrypoint}")
	for _, name := range slices.Sorted(maps.Keys(more)) {
		s := more[name]
		s.Environment = cmp.Or(s.Environment, binding.DefaultEnvironment)
		if err := binding.CheckService(name, s); err != nil {
			r.problem("moreBindings", "%v", err)
		}
		all[name] = s
	}
	if _, both := all[own]; both {
		r.problem("moreBindings", "%s is the binding to the stack's own Worker; choose another name", own)
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
		r.problem("previewBinding", "%q must be production, none or the name of a Worker", preview)
	}
	return wanted
}

// cloudflare reads the Cloudflare provider's config, or else its environment. It returns
// a client for the program's own calls, and what the bind command's environment lacks.
func (r *reader) cloudflare() (*cloudflare.Client, pulumi.StringMap) {
	c := &cloudflare.Client{
		AccountID: cmp.Or(r.text("accountId"), r.program.Getenv("CLOUDFLARE_ACCOUNT_ID")),
		Token:     r.text("cloudflare:apiToken"),
		BaseURL:   r.text("cloudflare:baseUrl"),
		HTTP:      r.program.HTTP,
	}
	env := pulumi.StringMap{}
	if c.Token != "" {
		env[cloudflare.EnvToken] = pulumi.ToSecret(pulumi.String(c.Token)).(pulumi.StringOutput)
	}
	if c.BaseURL != "" {
		env[cloudflare.EnvBaseURL] = pulumi.String(c.BaseURL)
	}
	c.Token = cmp.Or(c.Token, r.program.Getenv(cloudflare.EnvToken))
	c.BaseURL = cmp.Or(c.BaseURL, r.program.Getenv(cloudflare.EnvBaseURL))
	switch {
	case c.AccountID == "":
		r.problem("accountId", "not set: run `pulumi config set accountId ID` or set CLOUDFLARE_ACCOUNT_ID; the dashboard shows the ID under Workers & Pages")
	case !cloudflare.IsAccountID(c.AccountID):
		r.problem("accountId", "%q (or CLOUDFLARE_ACCOUNT_ID) must be 32 hexadecimal digits, as the dashboard shows under Workers & Pages", c.AccountID)
	}
	r.credential("cloudflare:apiToken", cloudflare.EnvToken, c.Token, "an API token, made at dash.cloudflare.com/profile/api-tokens")
	if c.BaseURL != "" {
		if err := rest.CheckBaseURL(c.BaseURL); err != nil {
			r.problem("cloudflare:baseUrl", "%v (or %s)", err, cloudflare.EnvBaseURL)
		}
	}
	return c, env
}

// tidbcloud checks the keys that the provider reads itself, so that a missing one is
// reported with the other problems.
func (r *reader) tidbcloud() {
	for _, k := range [][2]string{{"tidbcloud:publicKey", "TIDBCLOUD_PUBLIC_KEY"}, {"tidbcloud:privateKey", "TIDBCLOUD_PRIVATE_KEY"}} {
		value := cmp.Or(r.text(k[0]), r.program.Getenv(k[1]))
		r.credential(k[0], k[1], value, "an API key, made at tidbcloud.com/org-settings/api-keys")
	}
}
