package main

import "strings"

// verdict says what a resource takes with it.
type verdict struct {
	// lost is what a deletion loses, or "".
	lost string
	// safe is why nothing is lost: in a replacement, or at all if lost is empty.
	safe string
}

// verdicts has every resource that the program declares, by its type, or by type and name if the
// type serves several purposes. A resource that is not here counts as lost.
var verdicts = map[string]verdict{
	"tidbcloud:index:Cluster":  {lost: "every row of every database on it"},
	"tidbcloud:index:Branch":   {lost: "every row that was written to the copy; the cluster stays as it is"},
	"tidbcloud:index:Database": {lost: "the application's rows: they stay on the cluster, in a database that nothing uses"},
	"tidbcloud:index:SqlUser":  {lost: "a login, and whoever uses it is shut out"},
	"tidbcloud:index:Migrations": {
		safe: "the tables, the seeds' rows and the record of what was applied stay"},

	"cloudflare:index/pagesProject:PagesProject": {lost: "the site, all its deployments and its pages.dev name"},
	"cloudflare:index/pagesDomain:PagesDomain":   {lost: "the site under that domain"},
	"cloudflare:index/dnsRecord:DnsRecord":       {lost: "the way to the site under that domain"},
	"cloudflare:index/workersScript:WorkersScript": {
		lost: "the site's API, and the secrets, routes and schedules that others gave the Worker"},
	"cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain": {lost: "the Worker under its workers.dev address"},

	"command:local:Command::site": {
		lost: "the deployment of the site: what is served stays, and no later run replaces it",
		safe: "its delete command deletes nothing"},
	"command:local:Command::binding": {
		lost: "the site's way to the Worker, and the variables and secrets of its Functions",
		safe: "bind sets them again in the same run, and they serve from the next deployment on"},
	"command:local:Command::doppler": {
		lost: "DATABASE_URL in Doppler",
		safe: "it is written again in the same run, there or where the config says now"},

	"pulumi:index:Stash::owner": {lost: "the stack's owner, without which later runs are refused"},
	"pulumi:index:Stash::names": {lost: "the stack's names, without which later runs are refused"},
	"pulumi:index:Stash::digest-key": {
		safe: "the next run that has siteSecrets makes another and sets them again"},
	"pulumi:index:Stash::since-*": {
		safe: "it only records when the stack began to use a domain"},

	"portfolio:index:Api":      {safe: "it only groups others"},
	"portfolio:index:Database": {safe: "it only groups others"},
	"portfolio:index:Pages":    {safe: "it only groups others"},
	"pulumi:pulumi:Stack":      {safe: "it only groups others"},
}

// judge returns the verdict on a resource of that type and name.
func judge(kind, name string) verdict {
	if v, ok := verdicts[key(kind, name)]; ok {
		return v
	}
	if strings.HasPrefix(kind, "pulumi:providers:") {
		return verdict{safe: "it is only a way to a cloud"}
	}
	return verdict{lost: "nobody knows what: this program does not declare it"}
}

// key returns the most precise key of verdicts that fits a resource.
func key(kind, name string) string {
	first, _, _ := strings.Cut(name, "-")
	for _, key := range []string{kind + "::" + name, kind + "::" + first + "-*"} {
		if _, ok := verdicts[key]; ok {
			return key
		}
	}
	return kind
}
