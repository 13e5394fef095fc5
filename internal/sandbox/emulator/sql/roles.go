package sql

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
)

// The built-in roles of TiDB Cloud. The last two have the cluster's prefix before
// them.
const (
	roleAdmin     = "role_admin"
	roleReadWrite = "role_readwrite"
	roleReadOnly  = "role_readonly"
)

// role takes the prefix off a built-in role.
func role(builtin string) string {
	return builtin[strings.LastIndexByte(builtin, '.')+1:]
}

// prefixOf is the part of a user's name that tells its cluster.
func prefixOf(user string) string {
	prefix, _, _ := strings.Cut(user, ".")
	return prefix
}

// privilege is a privilege by the name that GRANT has for it, and as
// go-mysql-server's.
type privilege struct {
	name string
	typ  sql.PrivilegeType
}

// rolePrivileges are what a role may do in each database. An admin may do
// anything, and no other role makes users.
//
// Assumed: PingCAP tells what each role is for and no list of grants. role_readonly is
// to "query and verify data without modifying it", role_readwrite to "query and modify
// application data", role_admin to "make schema changes and manage privileges".
// https://docs.pingcap.com/ai/ti-db-create-db-sql-users/
var rolePrivileges = map[string][]privilege{
	roleReadWrite: {
		{"SELECT", sql.PrivilegeType_Select},
		{"INSERT", sql.PrivilegeType_Insert},
		{"UPDATE", sql.PrivilegeType_Update},
		{"DELETE", sql.PrivilegeType_Delete},
		{"SHOW VIEW", sql.PrivilegeType_ShowView},
	},
	roleReadOnly: {
		{"SELECT", sql.PrivilegeType_Select},
		{"SHOW VIEW", sql.PrivilegeType_ShowView},
	},
}
