package sql

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio-infra/internal/sandbox/emulator"
)

// account is a user of the IAM API as the server should have it. Users created in SQL are not
// here; the server alone knows them.
type account struct {
	Hash    string `json:"hash,omitempty"`
	Role    string `json:"role,omitempty"`
	Dropped bool   `json:"dropped,omitempty"`
	// Known reports whether the server has it like this. If not, the server gets it at the
	// next connection, as the server may not be running now.
	Known bool `json:"known,omitempty"`
}

func (c *cluster) accountsFile() string { return c.dir + ".users.json" }

// setUser records a user, and updates the server if it runs. It skips what the server already
// knows, since the API repeats all users at each start.
func (c *cluster) setUser(name string, want account) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	have, exists := c.accounts[name]
	if have.Known = false; have == want || !exists && want.Dropped {
		return nil
	}
	c.accounts[name] = want
	if err := emulator.Save(c.accountsFile(), c.accounts); err != nil {
		return err
	}
	if !c.running() {
		return nil
	}
	return c.applyAccounts()
}

// applyAccounts gives the server the users that it does not know. The caller holds c.mu.
func (c *cluster) applyAccounts() error {
	changed := false
	for _, name := range slices.Sorted(maps.Keys(c.accounts)) {
		a := c.accounts[name]
		if a.Known {
			continue
		}
		if err := a.apply(c.server, name); err != nil {
			// TiDB quotes the statement.
			return fmt.Errorf("user %s: %s", name, strings.ReplaceAll(err.Error(), a.Hash, "..."))
		}
		if changed = true; a.Dropped {
			delete(c.accounts, name)
		} else {
			a.Known = true
			c.accounts[name] = a
		}
	}
	if !changed {
		return nil
	}
	return emulator.Save(c.accountsFile(), c.accounts)
}

// apply creates, changes or drops the user. What it needs is mostly there or mostly not, so it
// tries that first: TiDB reads all privileges again after most of these statements.
func (a account) apply(server *process, name string) error {
	user := quote(name) + "@'%'"
	if a.Dropped {
		return server.run("DROP USER IF EXISTS " + user)
	}
	identified := user + " IDENTIFIED WITH mysql_native_password AS " + quote(a.Hash)
	if server.run("CREATE USER "+identified) != nil {
		if err := server.run("ALTER USER " + identified); err != nil {
			return err
		}
	}
	role := quote(a.Role)
	grant := strings.Join([]string{
		// Revoke any role that the user had before. No statement of SQL does this.
		"DELETE FROM mysql.role_edges WHERE TO_USER = " + quote(name) + " AND FROM_USER RLIKE '(^|[.])role_(admin|readwrite|readonly)$'",
		"GRANT " + role + " TO " + user,
		"SET DEFAULT ROLE " + role + " TO " + user,
	}, ";\n")
	if server.run(grant) == nil {
		return nil
	}
	return server.run(strings.Join([]string{"CREATE ROLE IF NOT EXISTS " + role, privileges(a.Role, role), grant}, ";\n"))
}

// privileges returns the statements that give a built-in role its privileges. Nobody can write
// the server's own tables, whatever the privilege.
//
// The privileges are assumed: PingCAP documents what each role is for, without a list.
// role_readonly is to "query and verify data without modifying it", role_readwrite to "query
// and modify application data", role_admin to "make schema changes and manage privileges".
// https://docs.pingcap.com/ai/ti-db-create-db-sql-users/
func privileges(builtin, role string) string {
	switch builtin[strings.LastIndexByte(builtin, '.')+1:] { // all but role_admin have the cluster's prefix
	case "role_admin": // except what reaches this machine
		return "GRANT ALL PRIVILEGES ON *.* TO " + role + " WITH GRANT OPTION;\nREVOKE FILE, SHUTDOWN, CONFIG ON *.* FROM " + role
	case "role_readwrite":
		return "GRANT SELECT, INSERT, UPDATE, DELETE, SHOW VIEW ON *.* TO " + role
	default:
		return "GRANT SELECT, SHOW VIEW ON *.* TO " + role
	}
}

var escaper = strings.NewReplacer(`\`, `\\`, `'`, `''`)

func quote(s string) string { return "'" + escaper.Replace(s) + "'" }
