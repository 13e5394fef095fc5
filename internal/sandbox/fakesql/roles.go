package fakesql

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
var rolePrivileges = map[string][]privilege{
	roleReadWrite: {
		{"SELECT", sql.PrivilegeType_Select},
		{"INSERT", sql.PrivilegeType_Insert},
		{"UPDATE", sql.PrivilegeType_Update},
		{"DELETE", sql.PrivilegeType_Delete},
		{"CREATE", sql.PrivilegeType_Create},
		{"ALTER", sql.PrivilegeType_Alter},
		{"DROP", sql.PrivilegeType_Drop},
		{"INDEX", sql.PrivilegeType_Index},
		{"REFERENCES", sql.PrivilegeType_References},
		{"CREATE VIEW", sql.PrivilegeType_CreateView},
		{"SHOW VIEW", sql.PrivilegeType_ShowView},
		{"TRIGGER", sql.PrivilegeType_Trigger},
		{"EXECUTE", sql.PrivilegeType_Execute},
		{"LOCK TABLES", sql.PrivilegeType_LockTables},
		{"CREATE TEMPORARY TABLES", sql.PrivilegeType_CreateTempTable},
	},
	roleReadOnly: {
		{"SELECT", sql.PrivilegeType_Select},
		{"SHOW VIEW", sql.PrivilegeType_ShowView},
	},
}
