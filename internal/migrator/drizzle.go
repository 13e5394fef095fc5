package migrator

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"portfolio-infra/internal/migration"
)

// drizzleLedger is the table of drizzle-orm.
//
// 0.x finds a migration by its time: it runs those of the journal that are newer than the newest
// row (mysql-core/dialect.js of 0.45.4). 1.x finds it by its name. It upgrades the table of 0.x by
// itself (up-migrations/mysql.js of 1.0.0-rc.5).
type drizzleLedger struct {
	table      string
	migrations []migration.Migration
	named      bool // 1.x
}

// drizzleRow is a row of the table.
type drizzleRow struct {
	id, hash string
	created  sql.NullInt64
	name     sql.NullString
}

func (l drizzleLedger) read(ctx context.Context, db querier, t tables, h *History) error {
	if t.columns(l.table) == "" {
		return nil
	}
	if t.has(l.table, "name") && !l.named {
		h.problem("the table %s is one of drizzle-orm 1.x, and the folder is one of drizzle-kit 0.x: install drizzle-kit 1.x, and run `npx drizzle-kit up`", l.table)
		return nil
	}
	rows, err := l.rows(ctx, db, t)
	if err != nil {
		return err
	}
	known := l.migrations
	if !l.named { // the table has no names; those of a refresh, which has no folder, are ours
		if known, err = l.recorded(ctx, db, t); err != nil {
			return err
		}
	}
	for i, m := range l.match(rows, known) {
		row, id := rows[i], ""
		switch {
		case m != nil:
			id = m.ID
		case row.name.String != "":
			id = row.name.String
		default:
			id = row.hash
			h.record(id).name = fmt.Sprintf("the migration of %s with the SHA-256 %s", time.UnixMilli(row.created.Int64).UTC().Format(time.RFC3339), row.hash)
		}
		h.record(id).applied = true
		if !l.named {
			h.last = max(h.last, row.created.Int64)
			if m != nil {
				h.last = max(h.last, m.Version)
			}
		}
	}
	return nil
}

// sql puts the table's name into a statement.
func (l drizzleLedger) sql(statement string) string {
	return strings.ReplaceAll(statement, "$table", "`"+strings.ReplaceAll(l.table, "`", "``")+"`")
}

func (l drizzleLedger) rows(ctx context.Context, db querier, t tables) (list []drizzleRow, err error) {
	name := "NULL"
	if t.has(l.table, "name") {
		name = "name"
	}
	rows, err := db.QueryContext(ctx, l.sql("SELECT id, hash, created_at, "+name+" FROM $table ORDER BY id"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var row drizzleRow
		if err := rows.Scan(&row.id, &row.hash, &row.created, &row.name); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// recorded returns the migrations of the folder, and those that our own table has beside them.
func (l drizzleLedger) recorded(ctx context.Context, db querier, t tables) ([]migration.Migration, error) {
	known := slices.Clone(l.migrations)
	if t.columns(stepsTable) == "" {
		return known, nil
	}
	rows, err := db.QueryContext(ctx, "SELECT migration, name, checksum FROM "+stepsTable+" WHERE tool = ? AND migration <> '' AND step = 0", migration.Drizzle0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m migration.Migration
		if err := rows.Scan(&m.ID, &m.Name, &m.Checksum); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(known, func(k migration.Migration) bool { return k.ID == m.ID }) {
			known = append(known, m)
		}
	}
	return known, rows.Err()
}

// match returns the migration of each row: the one of its name, or else of its time, or else with
// its hash. Two custom migrations may have the same hash, since drizzle-kit writes the same comment
// into both. In the names of 1.x a time has no milliseconds.
func (l drizzleLedger) match(rows []drizzleRow, migrations []migration.Migration) []*migration.Migration {
	sameName := func(row drizzleRow, m migration.Migration) bool { return row.name.String == m.ID }
	sameHash := func(row drizzleRow, m migration.Migration) bool { return row.name.String == "" && m.Matches(row.hash) }
	sameTime := func(row drizzleRow, m migration.Migration) bool {
		created := row.created.Int64
		if l.named {
			created -= created % 1000
		}
		return row.name.String == "" && row.created.Valid && created == m.Version
	}
	both := func(row drizzleRow, m migration.Migration) bool { return sameTime(row, m) && sameHash(row, m) }
	found, used := make([]*migration.Migration, len(rows)), map[string]bool{}
	for i, same := range []func(drizzleRow, migration.Migration) bool{sameName, both, sameTime, sameHash, sameTime, sameHash} {
		again := i > 3 // drizzle has no lock: two runs at once leave two rows
		for i, row := range rows {
			for k, m := range migrations {
				if found[i] == nil && (again || !used[m.ID]) && same(row, m) {
					found[i], used[m.ID] = &migrations[k], true
				}
			}
		}
	}
	return found
}

func (drizzleLedger) locks() []string { return nil }

// The tables, as drizzle-orm creates them.
const (
	drizzleColumns = "id SERIAL PRIMARY KEY, hash TEXT NOT NULL, created_at BIGINT"
	namedColumns   = drizzleColumns + ", name TEXT, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP"
)

func (l drizzleLedger) prepare(ctx context.Context, conn *sql.Conn, t tables) error {
	columns := drizzleColumns
	if l.named {
		columns = namedColumns
	}
	switch exists := t.columns(l.table) != ""; {
	case exists && l.named:
		return l.upgrade(ctx, conn, t)
	case exists:
		return l.retime(ctx, conn, t)
	}
	_, err := conn.ExecContext(ctx, l.sql("CREATE TABLE IF NOT EXISTS $table ("+columns+")"))
	return err
}

// retime gives the rows of migrations whose time was changed in the journal the new one. Otherwise
// drizzle would apply them again.
func (l drizzleLedger) retime(ctx context.Context, conn *sql.Conn, t tables) error {
	rows, err := l.rows(ctx, conn, t)
	if err != nil {
		return err
	}
	for i, m := range l.match(rows, l.migrations) {
		if m == nil || rows[i].created.Int64 == m.Version {
			continue
		}
		if _, err := conn.ExecContext(ctx, l.sql("UPDATE $table SET created_at = ? WHERE id = ?"), m.Version, rows[i].id); err != nil {
			return err
		}
	}
	return nil
}

// upgrade gives each row of a table of 0.x its name, and those that an interrupted upgrade left
// without. drizzle-orm adds the column first: if that is interrupted, it applies everything again.
// So this fills another table and swaps the two, which is one change of the schema
// (pkg/ddl/executor.go of TiDB v8.5.6, renameTables).
func (l drizzleLedger) upgrade(ctx context.Context, conn *sql.Conn, t tables) error {
	rows, err := l.rows(ctx, conn, t)
	if err != nil {
		return err
	}
	unnamed := func(r drizzleRow) bool { return r.name.String == "" }
	if !t.has(l.table, "name") || slices.ContainsFunc(rows, unnamed) {
		err = l.fill(ctx, conn, rows)
	} else if t.columns(replaced) == "" {
		return nil
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, "DROP TABLE "+replaced)
	}
	return err
}

// The tables of an upgrade: the new one, and the one that it replaced.
const filled, replaced = ourPrefix + "s_upgrade", ourPrefix + "s_replaced"

// fill puts the rows into a table of 1.x, which takes the place of the tool's.
func (l drizzleLedger) fill(ctx context.Context, conn *sql.Conn, rows []drizzleRow) error {
	for _, statement := range []string{
		"DROP TABLE IF EXISTS " + filled,
		"DROP TABLE IF EXISTS " + replaced,
		"CREATE TABLE " + filled + " (" + namedColumns + ")",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	const insert = "INSERT INTO " + filled + " (id, hash, created_at, name, applied_at) VALUES (?, ?, ?, ?, NULL)"
	for i, m := range l.match(rows, l.migrations) {
		row := rows[i]
		if m != nil { // the file of no other is missing, or Pending would have refused it
			row.name.String = m.ID
		}
		if _, err := conn.ExecContext(ctx, insert, row.id, row.hash, row.created, row.name.String); err != nil {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, l.sql("RENAME TABLE $table TO "+replaced+", "+filled+" TO $table"))
	return err
}

func (drizzleLedger) begin(context.Context, *sql.Tx, migration.Migration) error { return nil }

func (drizzleLedger) cancel(context.Context, *sql.Tx, migration.Migration) error { return nil }

func (l drizzleLedger) finish(ctx context.Context, tx *sql.Tx, m migration.Migration) error {
	statement, args := "INSERT INTO $table (hash, created_at) VALUES (?, ?)", []any{m.Checksum, m.Version}
	if l.named {
		statement, args = "INSERT INTO $table (hash, created_at, name) VALUES (?, ?, ?)", append(args, m.ID)
	}
	_, err := tx.ExecContext(ctx, l.sql(statement), args...)
	return err
}

func (drizzleLedger) adopt(context.Context, *sql.Tx, migration.Migration) error { return nil }
