package sql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/sql"
	"portfolio-infra/internal/sandbox/emulator/sql/sqltest"
	"portfolio-infra/internal/testcheck"
)

// dump is what earlier versions of the package kept.
const dump = "-- The databases of an emulated TiDB Cloud cluster. It is written after each change, so change it only while nothing serves.\n" +
	"SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\nSET SESSION foreign_key_checks = 0;\nSET SESSION time_zone = '+00:00';\n" +
	"CREATE DATABASE `shop` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\nCREATE DATABASE `test` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n" +
	"USE `shop`;\nCREATE TABLE `items` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `name` varchar(20),\n  `maker` int,\n  PRIMARY KEY (`id`),\n" +
	"  CONSTRAINT `made` FOREIGN KEY (`maker`) REFERENCES `shop`.`makers` (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;\n" +
	"INSERT INTO `items` (`id`,`name`,`maker`) VALUES\n(0,'it''s; \\\\ \\n',1),\n(7,NULL,NULL);\n" +
	"CREATE TABLE `makers` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;\n" +
	"INSERT INTO `makers` (`id`) VALUES\n(1);\n" +
	"SET SESSION sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES';\nCREATE VIEW names AS SELECT name FROM items -- all\n;\nSET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\nUSE `test`;\n"

func TestServers_import(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, one+".sql")
	must(t, os.WriteFile(file, []byte(dump), 0o600))
	for range 2 { // once
		s := start(t, &sql.Servers{Dir: dir})
		db := client(t, s, one, onePrefix+"api", password, "shop")
		wantRows(t, db, "SELECT id, name FROM items ORDER BY id", "0|it's; \\ \n", "7|NULL")
		wantRows(t, db, "SELECT COUNT(*) FROM names", "2")
		fails(t, db, 1452, "INSERT INTO items (id, maker) VALUES (9, 5)")
		wantRows(t, db, "SHOW DATABASES", "INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA", "mysql", "shop", "sys", "test")
		must(t, s.Close())
	}
	if _, err := os.Stat(file + ".imported"); err != nil {
		t.Error(err)
	}
	s := start(t, &sql.Servers{Dir: dir})
	must(t, s.DeleteCluster(one))
	must(t, s.Close())
	left, err := filepath.Glob(filepath.Join(dir, one+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("a deleted cluster left %q, %v", left, err)
	}
}

// A statement that TiDB refuses is named, and the file stays until it is corrected.
func TestServers_import_fails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, one+".sql")
	const bad = "CREATE TABLE bad (v TEXT COLLATE latin1_swedish_ci)"
	must(t, os.WriteFile(file, []byte(dump+bad+";\n"), 0o600))
	s := &sql.Servers{TiDB: sqltest.TiDB(t), Dir: dir}
	err := s.CreateCluster(one)
	testcheck.Error(t, err, file, bad, "1273")
	must(t, s.Close())
	kept, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, []byte(strings.TrimSuffix(string(kept), bad+";\n")), 0o600))
	wantRows(t, client(t, start(t, &sql.Servers{Dir: dir}), one, onePrefix+"api", password, "shop"), "SELECT COUNT(*) FROM items", "2")
}
