package stack

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"portfolio-infra/internal/bundle"
	"portfolio-infra/internal/environment/mark"
	"portfolio-infra/internal/pages"
	"portfolio-infra/internal/tidbcloud"
)

// Config is the validated stack configuration. Pulumi.yaml describes the keys and has their
// defaults.
type Config struct {
	Account

	PagesProject     string
	ProductionBranch string
	// Bindings are those of the keys binding, moreBindings and previewBinding, with the
	// variables of siteVars.
	Bindings      pages.Wanted
	SiteSecrets   map[string]string
	Site          *Site // nil if somebody else deploys the site
	OverwriteSite bool
	Domain        string // "" for none
	ZoneID        string // "" if somebody else makes the DNS record

	Worker             string
	Script             Script
	CompatibilityDate  string
	CompatibilityFlags []string
	Observability      bool
	WorkersDev         bool
	OverwriteWorker    bool
	Vars, Secrets      map[string]string

	Cluster       string
	Region        string
	TiDBProject   string // "" for the organization's default one
	SpendingLimit int    // in US cents a month; 0 sets none
	Database      string
	Migrations    *Migrations // nil if somebody else makes the tables
	SQLUser       string
	Rotation      int
	URLOptions    map[string]string
	Doppler       Doppler // empty for none

	Environment *Environment // nil for any other stack

	Adopt   bool // skips the ownership checks
	Protect bool

	// DefaultNames has the keys of names that are made of the project's and the stack's.
	DefaultNames map[string]bool
	// VarsSecret and BindingsSecret report whether a value of Vars or of Bindings was set
	// with --secret.
	VarsSecret, BindingsSecret bool
}

// Doppler names the config at Doppler that DATABASE_URL is written to.
// https://docs.doppler.com/docs/project-setup
type Doppler struct {
	Project string `json:"project"`
	Config  string `json:"config"`
}

// names returns the names that the state keeps, by config key.
func (c *Config) names() map[string]string {
	return map[string]string{"pagesProject": c.PagesProject, "worker": c.Worker, "cluster": c.Cluster, "database": c.Database}
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
func (p Program) loadConfig(ctx *pulumi.Context) (*Config, error) {
	if err := checkSystem(runtime.GOOS); err != nil {
		return nil, err
	}
	r := newReader(ctx, p)
	name := mark.Slug(ctx.Project() + "-" + ctx.Stack())
	c := &Config{
		Account: r.account(),

		PagesProject:     r.name("pagesProject", name, checkProject),
		ProductionBranch: r.checked("productionBranch", checkBranch),
		OverwriteSite:    r.boolean("overwriteSite"),

		Worker:             r.name("worker", name+"-api", checkWorker),
		CompatibilityDate:  r.checked("compatibilityDate", checkPastDate),
		CompatibilityFlags: r.flags("compatibilityFlags"),
		Observability:      r.boolean("observability"),
		WorkersDev:         r.boolean("workersDev"),
		OverwriteWorker:    r.boolean("overwriteWorker"),

		Cluster:       r.name("cluster", name+"-db", tidbcloud.CheckClusterName),
		Region:        r.checked("region", tidbcloud.CheckRegion),
		TiDBProject:   r.checked("tidbProject", checkTiDBProject),
		SpendingLimit: r.integer("spendingLimit", 0, math.MaxInt32),
		Database:      r.name("database", strings.ReplaceAll(mark.Slug(ctx.Project()), "-", "_"), checkDatabase),
		Migrations:    r.migrations("migrations"),
		SQLUser:       r.checked("sqlUser", checkSQLUser),
		Rotation:      r.step("rotation"),
		URLOptions:    r.texts("databaseUrlOptions", checkVar, false),
		Doppler:       r.doppler("doppler"),

		Adopt:   r.boolean("adopt"),
		Protect: r.boolean("protect"),

		DefaultNames:   r.made,
		VarsSecret:     r.isSecret("vars"),
		BindingsSecret: r.isSecret("siteVars") || r.isSecret("moreBindings"),
	}
	c.Environment = r.environment(c)
	r.tidbcloud()
	c.Vars, c.Secrets = r.variables("vars", "secrets", checkWorkerVar)
	c.Bindings = r.bindings(c.Worker)
	c.Bindings.Vars, c.SiteSecrets = r.siteVariables(c.Bindings)
	workers := bundle.Runtime{Date: c.CompatibilityDate, Flags: c.CompatibilityFlags}
	c.Script = r.script("workerScript", workers)
	if c.Site = r.site("site", workers, c.Environment != nil); c.Site != nil {
		c.Bindings.CompatibilityDate, c.Bindings.CompatibilityFlags = c.CompatibilityDate, c.CompatibilityFlags
	}
	if c.Environment == nil {
		c.Domain, c.ZoneID = r.domain("domain", "zoneId")
	}
	r.checkKeys()
	if err := r.err(); err != nil {
		return nil, err
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

// maxStep keeps steps short and positive.
const maxStep = 1_000_000

// step reads the number of a rotation.
func (r *reader) step(key string) int {
	v := r.text(key)
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxStep {
		r.problem(key, "%q must be a whole number from 0 to %d, and each rotation is the next one; in place of an earlier text, "+
			"which changes no password, run `pulumi config set %s 0`", v, maxStep, key)
	}
	return n
}

// domain reads the site's domain and the zone of its DNS record.
func (r *reader) domain(key, zoneKey string) (name, zone string) {
	name, zone = r.text(key), r.text(zoneKey)
	if name != "" {
		r.check(key, name, checkDomain)
	}
	if zone != "" {
		r.check(zoneKey, zone, checkZone)
	}
	if name == "" && zone != "" {
		r.without(zoneKey, key)
	}
	return name, zone
}

func (r *reader) doppler(key string) Doppler {
	d := object[Doppler](r, key, "an object {project, config}")
	if d == (Doppler{}) {
		return d
	}
	for _, part := range []struct{ name, value string }{{"project", d.Project}, {"config", d.Config}} {
		if err := checkDopplerName(part.value); err != nil {
			r.problem(key, "%s %v; both project and config are needed", part.name, err)
		}
	}
	const token = "doppler:dopplerToken"
	if r.text(token) != "" {
		r.problem(token, "no longer read: run `pulumi config rm %s`, and `doppler login` or set DOPPLER_TOKEN", token)
	}
	return d
}
