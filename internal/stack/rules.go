package stack

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/tidbcloud"
)

// check is a rule for a value: it returns what is wrong with it.
type check = func(value string) error

func rule(valid func(string) bool, want string) check {
	return func(value string) error {
		if !valid(value) {
			return fmt.Errorf("%q must be %s", value, want)
		}
		return nil
	}
}

func pattern(expr, want string) check { return rule(regexp.MustCompile(expr).MatchString, want) }

var (
	checkProject = rule(cloudflare.IsProjectName, "1 to 58 lowercase letters, digits and inner hyphens")
	checkWorker  = rule(cloudflare.IsWorkerName, "1 to 63 lowercase letters, digits, underscores and inner hyphens")
	// What git check-ref-format takes, without its unusual characters.
	checkBranch      = pattern(`^[A-Za-z0-9_][-A-Za-z0-9_]{0,99}([./][-A-Za-z0-9_]{1,100}){0,9}$`, "the name of a Git branch")
	checkVar         = pattern(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`, "letters, digits and underscores, not a digit first")
	checkFlag        = pattern(`^[a-z0-9_]{1,100}$`, "a compatibility flag: lowercase letters, digits and underscores")
	checkTiDBProject = pattern(`^[0-9]{0,30}$`, "empty or a project ID: digits, as the TiDB Cloud console shows them")
	// What needs no quotes and no percent-encoding anywhere.
	checkDatabase = pattern(`^[A-Za-z0-9_]{1,64}$`, "1 to 64 letters, digits and underscores")
	checkFormat   = pattern(`^(goose|drizzle-0|drizzle-1|prisma)?$`, "goose, drizzle-0, drizzle-1 or prisma, or empty for the one that the folder has")
	// What a shell takes without quotes.
	checkDopplerName = pattern(`^[a-z0-9]([a-z0-9_-]{0,58}[a-z0-9])?$`, "lowercase letters, digits, inner hyphens and underscores")
	checkDomain      = pattern(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`, "a domain name in lowercase letters, such as www.example.com")
	checkZone        = rule(cloudflare.IsAccountID, "32 hexadecimal digits, as the dashboard shows on the domain's overview")
)

// adminUser is the SQL user that makes databases and tables.
const adminUser = "pulumi"

func checkSQLUser(name string) error {
	if name == adminUser {
		return fmt.Errorf("%q is the stack's own admin; choose another name", name)
	}
	return tidbcloud.CheckUserName(name)
}

// checkTable checks the name of a migration tool's table.
func checkTable(name string) error {
	switch {
	case name == "":
		return nil
	case strings.HasPrefix(strings.ToLower(name), "pulumi_migration"):
		return fmt.Errorf("%q is a name of the stack's own tables; choose another one", name)
	}
	return checkDatabase(name)
}

// Names of the Worker's variables that the stack sets itself.
const (
	varOwner       = "PULUMI_STACK"
	varUpload      = "PULUMI_UPLOAD"
	varRotation    = "PULUMI_ROTATION"
	varDatabaseURL = "DATABASE_URL"
)

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
