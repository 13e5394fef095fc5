package fakesql

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

// maxRows is how many rows an answer of the HTTP endpoint has at most.
// https://docs.pingcap.com/tidbcloud/serverless-driver/#limitations
const maxRows = 10000

// answer is the body of a success. What a statement does not have is null.
type answer struct {
	Types        []column    `json:"types"`
	Rows         [][]*string `json:"rows"`
	RowsAffected *int64      `json:"rowsAffected"`
	LastInsertID *string     `json:"sLastInsertID"`
}

type column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

// link is one connection to a cluster's server, with a client's own login: what
// the client may do is the server's to say.
type link struct {
	db   *sql.DB
	conn *sql.Conn
}

func dial(ctx context.Context, addr string, conf *tls.Config, c *call) (*link, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd = c.user, c.password
	config.Net, config.Addr = "tcp", addr
	config.DBName = cmp.Or(c.database, newDatabase)
	config.TLS = conf
	config.Timeout = 10 * time.Second
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &link{db: db, conn: conn}, nil
}

func (l *link) close() error {
	return errors.Join(l.conn.Close(), l.db.Close())
}

// run runs one statement.
func (l *link) run(ctx context.Context, query string) (*answer, error) {
	if returnsRows(query) {
		return l.rows(ctx, query)
	}
	result, err := l.conn.ExecContext(ctx, query)
	if err != nil {
		return nil, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return nil, err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return nil, err
	}
	// The driver has it as a signed number, the server does not.
	text := strconv.FormatUint(uint64(id), 10)
	return &answer{RowsAffected: &n, LastInsertID: &text}, nil
}

func (l *link) rows(ctx context.Context, query string) (_ *answer, err error) {
	rows, err := l.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := &answer{Types: []column{}, Rows: [][]*string{}}
	for _, t := range types {
		nullable, ok := t.Nullable()
		out.Types = append(out.Types, column{Name: t.Name(), Type: t.DatabaseTypeName(), Nullable: nullable || !ok})
	}
	values := make([]sql.RawBytes, len(types))
	into := make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if len(out.Rows) == maxRows {
			return nil, refused(http.StatusBadRequest, "the result has more than %d rows", maxRows)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]*string, len(values))
		for i, v := range values {
			if v != nil {
				text := encode(out.Types[i].Type, v)
				row[i] = &text
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out, rows.Err()
}

// encode writes a value as the endpoint does: what is binary in hexadecimal, the
// rest as text.
func encode(typ string, v []byte) string {
	switch typ {
	case "BIT", "BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB":
		return hex.EncodeToString(v)
	}
	return string(v)
}
