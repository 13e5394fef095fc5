package sqllogin

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// OpenRedacted is Open for a database whose rows nobody may see: an error of the server has its
// number, and nothing of its text, which may be "Duplicate entry 'alice@example.com' for key". The
// driver's own connections are wrapped, so that the text does not get out of them.
func (l Login) OpenRedacted(caFile string, configure func(*mysql.Config)) (*sql.DB, error) {
	connector, err := l.connector(caFile, func(c *mysql.Config) {
		configure(c)
		c.InterpolateParams = true // else the driver prepares statements, see errPrepared
	})
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(redactingConnector{connector}), nil
}

// Redacts reports whether OpenRedacted made the pool.
func Redacts(db *sql.DB) bool {
	_, ok := db.Driver().(redactingDriver)
	return ok
}

// Same reports whether two errors of the server are the same, with their texts.
func Same(a, b error) bool {
	var x, y *redactedError
	if errors.As(a, &x) && errors.As(b, &y) {
		return x.shown.Number == y.shown.Number && x.hidden == y.hidden
	}
	return a.Error() == b.Error()
}

// redactedError is an error of the server without its text.
type redactedError struct {
	shown  mysql.MySQLError
	hidden string
}

func (e *redactedError) Error() string { return e.shown.Error() }

// Unwrap returns the error without its text, too.
func (e *redactedError) Unwrap() error { return &e.shown }

// telling are the parts of texts by which callers tell errors of a number apart. They have no values.
var telling = map[uint16]*regexp.Regexp{
	1061: regexp.MustCompile(`a background job`),
	1105: regexp.MustCompile(`^(?:Non-transactional |shard column )|(?i:user ?name|prefix)`),
}

const notShown = "(the server's text is not shown, since it may have values of rows)"

func redact(err error) error {
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) {
		return err // of the network or of the driver itself, which have no values
	}
	e := &redactedError{*refused, refused.Message}
	e.shown.Message = notShown
	if told := telling[refused.Number]; told != nil {
		if part := told.FindString(refused.Message); part != "" {
			e.shown.Message = strings.TrimSpace(part) + " " + notShown
		}
	}
	return e
}

func redacted[T any](v T, err error) (T, error) { return v, redact(err) }

type redactingConnector struct{ driver.Connector }

func (c redactingConnector) Driver() driver.Driver { return redactingDriver{c.Connector.Driver()} }

func (c redactingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, redact(err)
	}
	return redactingConn{conn.(mysqlConn)}, nil
}

type redactingDriver struct{ driver.Driver }

// mysqlConn is what a connection of the driver can do.
type mysqlConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type redactingConn struct{ mysqlConn }

func (c redactingConn) Ping(ctx context.Context) error { return redact(c.mysqlConn.Ping(ctx)) }

func (c redactingConn) ResetSession(ctx context.Context) error {
	return redact(c.mysqlConn.ResetSession(ctx))
}

func (c redactingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return redacted(c.mysqlConn.ExecContext(ctx, query, args))
}

func (c redactingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.mysqlConn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, redact(err)
	}
	return redactingRows{rows}, nil
}

func (c redactingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.mysqlConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, redact(err)
	}
	return redactingTx{tx}, nil
}

// Prepare is not needed, since the driver interpolates the arguments.
func (c redactingConn) Prepare(string) (driver.Stmt, error) { return nil, errPrepared }

// PrepareContext is Prepare.
func (c redactingConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, errPrepared
}

var errPrepared = errors.New("a connection that redacts has no prepared statements")

type redactingTx struct{ driver.Tx }

func (t redactingTx) Commit() error   { return redact(t.Tx.Commit()) }
func (t redactingTx) Rollback() error { return redact(t.Tx.Rollback()) }

type redactingRows struct{ driver.Rows }

func (r redactingRows) Next(dest []driver.Value) error { return redact(r.Rows.Next(dest)) }
func (r redactingRows) Close() error                   { return redact(r.Rows.Close()) }
