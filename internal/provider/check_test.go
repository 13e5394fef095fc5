package provider_test

import (
	"maps"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
)

// What Check refuses, as "property: part of the reason"; "" means that it accepts the inputs and
// changes none. The changes are to inputs that it accepts.
func TestCheck(t *testing.T) {
	// with is inputs with changes: a nil value takes one away.
	with := func(values map[string]any) func(changes map[string]any) property.Map {
		return func(changes map[string]any) property.Map {
			changed := maps.Clone(values)
			maps.Copy(changed, changes)
			return inputs(changed)
		}
	}
	server := map[string]any{"clusterId": "1", "host": gateway, "port": 4000, "user": "p.api", "password": presource.MakeSecret(presource.NewProperty("x"))}
	also := func(values, more map[string]any) map[string]any {
		all := maps.Clone(values)
		maps.Copy(all, more)
		maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
		return all
	}
	const notReady = "a cluster that is not ready"
	hash := strings.Repeat("0", 64)
	masks := map[string]any{"database": "app", "folder": "masks", "files": map[string]any{"1.sql": hash}}
	masked := func(key string, value any) map[string]any {
		return map[string]any{"dropLogins": true, "masks": also(masks, map[string]any{key: value})}
	}
	root := map[string]any{"host": "h", "port": 4000, "user": "p.root", "password": server["password"]}
	ranges := func(first, last string) map[string]any {
		return map[string]any{"authorizedNetworks": []any{network("x", first, last)}}
	}
	type cases []struct {
		name    string
		changes map[string]any
		failure string
	}
	for name, tt := range map[string]struct {
		typ   tokens.Type
		with  func(changes map[string]any) property.Map
		cases cases
	}{
		"cluster": {clusterType, db, cases{
			{"least", nil, ""},
			{"all unknown", map[string]any{"displayName": unknown, "region": unknown, "owner": unknown, "projectId": unknown, "labels": unknown,
				"spendingLimitMonthly": unknown, "adopt": unknown, "createTimeoutSeconds": unknown}, ""},
			{"unknown inside", map[string]any{"logins": []any{"api", unknown}, "labels": map[string]any{"a": unknown}, "authorizedNetworks": []any{network("x", "192.0.2.1", "192.0.2.1"),
				map[string]any{"displayName": "y", "startIpAddress": unknown, "endIpAddress": unknown}}}, ""},
			{"with logins", map[string]any{"adopt": true, "logins": []any{"pulumi", "api", "api_b"}}, ""},
			{"root among the logins", map[string]any{"logins": []any{"api", "root"}}, "logins: every cluster has a root"},
			{"no name", map[string]any{"displayName": nil}, "displayName: is required"},
			{"short name", map[string]any{"displayName": "abc"}, `displayName: "abc" must have 4 to 64`},
			{"bare region", map[string]any{"region": "ap-northeast-1"}, "region: " + `"ap-northeast-1" must be a region's name, like regions/aws-ap-northeast-1; did you mean regions/aws-ap-northeast-1?`},
			{"owner with a slash", map[string]any{"owner": "portfolio/dev"}, "use project.stack, for example"},
			{"the owner that means nobody", map[string]any{"owner": provider.FreeOwner}, `owner: "free" must`},
			{"empty project", map[string]any{"projectId": ""}, "projectId: must not be empty"},
			{"reserved label", map[string]any{"labels": map[string]any{"tidb.cloud/project": "1"}}, "labels: " + `"tidb.cloud/project" is reserved`},
			{"maker's label", map[string]any{"labels": map[string]any{"pulumi.com/made-for": "x"}}, "use owner"},
			{"owner's label", map[string]any{"labels": map[string]any{"pulumi.com/owner": "x"}}, "use owner"},
			{"negative limit", map[string]any{"spendingLimitMonthly": -1}, "spendingLimitMonthly: must be 1 or more"},
			{"no networks", map[string]any{"authorizedNetworks": []any{}}, "authorizedNetworks: must not be empty"},
			{"network without a name", map[string]any{"authorizedNetworks": []any{network("", "192.0.2.1", "192.0.2.1")}}, "range 1 needs a displayName"},
			{"CIDR", ranges("192.0.2.0/24", "192.0.2.0/24"), "must be two IPv4 addresses"},
			{"upside down", ranges("192.0.2.9", "192.0.2.1"), "the lower one first"},
			{"no time", map[string]any{"createTimeoutSeconds": 0}, "createTimeoutSeconds: must be more than 0"},
			{"misspelt", map[string]any{"regoin": tokyo}, "regoin: unknown property; check the spelling"},
			{"wrong type", map[string]any{"spendingLimitMonthly": "much"}, "spendingLimitMonthly: "},
		}},
		"branch": {branchType, func(changes map[string]any) property.Map { return pr("1", changes) }, cases{
			{"least", nil, ""},
			{"all unknown", map[string]any{"clusterId": unknown, "displayName": unknown, "owner": unknown, "annotations": unknown, "parentTimestamp": unknown, "resetToken": unknown}, ""},
			{"no cluster", map[string]any{"clusterId": ""}, "clusterId: must not be empty"},
			{"name with a slash", map[string]any{"displayName": "feature/x"}, `displayName: "feature/x" must have 1 to 64`},
			{"the owner that means nobody", map[string]any{"owner": provider.FreeOwner}, "owner: "},
			{"reserved annotation", map[string]any{"annotations": map[string]any{"tidb.cloud/x": "y"}}, `annotations: "tidb.cloud/x" is reserved`},
			{"no time", map[string]any{"parentTimestamp": "yesterday"}, `parentTimestamp: "yesterday" must be a time such as`},
			{"no time-out", map[string]any{"createTimeoutSeconds": 0}, "createTimeoutSeconds: must be more than 0"},
			{"masks", masked("database", "app"), ""},
			{"unknown masks", masked("files", unknown), ""},
			{"masks without a database", masked("database", ""), `masks: its database "" must have`},
			{"masks without a folder", masked("folder", ""), "masks: its folder must not be empty"},
			{"masks without files", masked("files", map[string]any{}), "masks: its files must not be empty"},
			{"masks with all logins", map[string]any{"masks": masks}, "masks: needs dropLogins: true"},
		}},
		"SQL user": {userType, func(changes map[string]any) property.Map { return api("1", changes) }, cases{
			{"least", map[string]any{"owner": nil}, ""},
			{"empty cluster", map[string]any{"clusterId": ""}, "clusterId: must not be empty"},
			{"name with its prefix", map[string]any{"name": "3hXb.api"}, "name: \"3hXb.api\" must be a letter and up to 15"},
			{"root", map[string]any{"name": "root"}, "no application should log in as it"},
			{"role", map[string]any{"role": "admin"}, `role: "admin" must be one of [role_readwrite role_readonly role_admin]`},
			{"owner", map[string]any{"owner": "a/b"}, "owner: "},
			{"the owner that means nobody", map[string]any{"owner": provider.FreeOwner}, `owner: "free" must`},
			{"password", map[string]any{"password": "x"}, "password: unknown property"},
		}},
		"SQL user by root": {userType, with(map[string]any{"clusterId": "1/b", "name": "api", "root": root, "database": "portfolio"}), cases{
			{"least", nil, ""},
			{"of a cluster", map[string]any{"clusterId": "1"}, ""},
			{"unknown", map[string]any{"clusterId": unknown, "root": unknown, "database": unknown}, ""},
			{"unknown root", map[string]any{"root": unknown}, ""},
			{"unknown parts", map[string]any{"root": also(root, map[string]any{"host": unknown, "port": unknown, "user": unknown})}, ""},
			{"no root", map[string]any{"root": nil, "database": nil}, "root: is required for a branch"},
			{"no database", map[string]any{"database": nil}, "database: \"\" must have 1 to 64"},
			{"the server's database", map[string]any{"database": "mysql"}, "database: \"mysql\" must"},
			{"database alone", map[string]any{"clusterId": "1", "root": nil}, "database: has an effect only with root"},
			{"port", map[string]any{"root": also(root, map[string]any{"port": 70000})}, "root: its port 70000"},
			{"no password", map[string]any{"root": also(root, map[string]any{"password": nil})}, "Missing required field 'password'"},
		}},
		"database": {databaseType, with(also(server, map[string]any{"name": "portfolio"})), cases{
			{"least", nil, ""},
			{notReady, map[string]any{"host": "", "port": 0}, ""},
			{"port", map[string]any{"port": 70000}, "port: 70000 must be a port number"},
			{"quoted name", map[string]any{"name": "a`; DROP DATABASE b"}, "name: "},
			{"the server's own", map[string]any{"name": "MySQL"}, `"MySQL" belongs to the server`},
			{"injected character set", map[string]any{"charset": "utf8; DROP"}, "charset: "},
			{"injected collation", map[string]any{"collation": "x y"}, "collation: "},
		}},
		"migrations": {migrationsType, with(also(server, map[string]any{"database": "portfolio", "folder": "migrations", "files": map[string]any{"1_a.sql": hash}})), cases{
			{"least", nil, ""},
			{notReady, map[string]any{"host": "", "port": 0}, ""},
			{"port", map[string]any{"port": 70000}, "port: 70000 must be a port number"},
			{"database", map[string]any{"database": "a`; DROP DATABASE b"}, "database: "},
			{"no files", map[string]any{"files": map[string]any{}}, "files: must not be empty"},
			{"plain", map[string]any{"format": "plain", "redactErrors": true, "table": "seeds"}, ""},
			{"no table", map[string]any{"format": "plain", "table": ""}, ""},
			{"a tool's table", map[string]any{"format": "plain", "table": "goose"}, `table: "goose" is the name of a tool`},
			{"long table", map[string]any{"format": "plain", "table": "12345678901234567"}, "table: "},
		}},
	} {
		for _, c := range tt.cases {
			t.Run(name+"/"+c.name, func(t *testing.T) { wantFailure(t, tt.typ, tt.with(c.changes), c.failure) })
		}
	}

	// All at once.
	resp := checked(t, clusterType, db(map[string]any{"displayName": nil, "region": "x", "owner": "-", "spendingLimitMonthly": "much", "regoin": "x"}))
	if len(resp.Failures) != 5 {
		t.Errorf("%v", resp.Failures)
	}
	if role := checked(t, userType, api("1", nil)).Inputs.Get("role"); !role.IsString() || role.AsString() != "role_readwrite" {
		t.Errorf("role %v", role)
	}
	if !checked(t, databaseType, inputs(also(server, map[string]any{"name": "portfolio", "password": "x"}))).Inputs.Get("password").Secret() {
		t.Error("the password is not a secret")
	}
}

func checked(t *testing.T, typ tokens.Type, inputs property.Map) p.CheckResponse {
	t.Helper()
	e := newEngine(t, newCloud(), typ)
	resp, err := e.Check(p.CheckRequest{Urn: e.urn(), Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// wantFailure fails the test unless Check finds "property: part of the reason"; "" means that
// it accepts the inputs and changes none.
func wantFailure(t *testing.T, typ tokens.Type, inputs property.Map, want string) {
	t.Helper()
	resp := checked(t, typ, inputs)
	var got []string
	for _, f := range resp.Failures {
		got = append(got, f.Property+": "+f.Reason)
	}
	if all := strings.Join(got, "\n"); want == "" && all != "" || !strings.Contains(all, want) {
		t.Errorf("got %q, want %q", all, want)
	}
	for name, value := range inputs.All {
		if want == "" && !resp.Inputs.Get(name).WithSecret(false).Equals(value.WithSecret(false)) {
			t.Errorf("%s: %v became %v", name, value, resp.Inputs.Get(name))
		}
	}
}
