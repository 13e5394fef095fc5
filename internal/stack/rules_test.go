package stack

import (
	"strings"
	"testing"
	"time"
)

// What the APIs take. The rules for a cluster, a region and a SQL user are tested in
// internal/tidbcloud.
func TestRules(t *testing.T) {
	a := strings.Repeat
	for name, rule := range map[string]struct {
		check     check
		good, bad []string
	}{
		"project":      {checkProject, []string{"a", "0-0", a("a", 58)}, []string{"", "A", "-a", "a-", "a_b", "a.b", "a\n", a("a", 59)}},
		"Worker":       {checkWorker, []string{"_a-b_", a("a", 63)}, []string{"", "A", "-a", "a-", "my api", "a/b", a("a", 64)}},
		"branch":       {checkBranch, []string{"main", "feature/x", "v1.0-x"}, []string{"", "-a", "a..b", "a//b", "/a", "a/", "a b", a("a", 102)}},
		"variable":     {checkVar, []string{"A", "_a1", a("A", 128)}, []string{"", "1A", "A-B", "A.B", "ü", a("A", 129)}},
		"flag":         {checkFlag, []string{"nodejs_compat"}, []string{"", "NodeJS", "a-b", a("a", 101)}},
		"TiDB project": {checkTiDBProject, []string{"", "123"}, []string{"12a", "-1", a("1", 31)}},
		"database":     {checkDatabase, []string{"a", "A_1", a("a", 64)}, []string{"", "a`b", "a-b", "a b", a("a", 65)}},
		"table":        {checkTable, []string{"", "versions"}, []string{"a.b", "Pulumi_migrations", "pulumi_migration_steps"}},
		"SQL user":     {checkSQLUser, []string{"app"}, []string{"", "root", "pulumi"}},
		"Doppler":      {checkDopplerName, []string{"prd", "dev_x-1"}, []string{"", "Prd", "-a", "a-", "a b", a("a", 61)}},
		"domain":       {checkDomain, []string{"example.com", "a-b.c.dev"}, []string{"", "localhost", "Example.com", "a..com", "-a.com", "example.com/a", "example.com.", "a_b.com", a("a", 64) + ".com"}},
		"date":         {checkPastDate, []string{"2026-01-01", time.Now().Format(time.DateOnly)}, []string{"", "1.6.2026", "2026-02-30", "2999-01-01"}},
		"Worker's variable": {checkWorkerVar, []string{"PULUMI"},
			[]string{"PULUMI_STACK", "PULUMI_UPLOAD", "PULUMI_ROTATION", "DATABASE_URL", "A-B"}},
	} {
		for _, value := range rule.good {
			if err := rule.check(value); err != nil {
				t.Errorf("%s: %q is refused: %v", name, value, err)
			}
		}
		for _, value := range rule.bad {
			if rule.check(value) == nil {
				t.Errorf("%s: %q is taken", name, value)
			}
		}
	}
}
