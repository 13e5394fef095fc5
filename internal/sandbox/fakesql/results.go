package fakesql

import (
	"bytes"

	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
)

// results holds a statement's answer back until the statement is over: a client
// that is slow to read must not keep others waiting at the gate, and one that
// writes while it reads must not wait for itself.
type results struct {
	parts []*sqltypes.Result
	more  bool
}

// keep takes a part of the answer. The engine uses the memory again, so it is
// copied.
func (a *results) keep(part *sqltypes.Result, more bool) error {
	kept := *part
	kept.Rows = make([][]sqltypes.Value, len(part.Rows))
	for i, row := range part.Rows {
		kept.Rows[i] = make([]sqltypes.Value, len(row))
		for j, v := range row {
			kept.Rows[i][j] = sqltypes.MakeTrusted(v.Type(), bytes.Clone(v.Raw()))
		}
	}
	a.parts = append(a.parts, &kept)
	a.more = more
	return nil
}

func (a *results) send(to mysql.ResultSpoolFn) error {
	for _, part := range a.parts {
		if err := to(part, a.more); err != nil {
			return err
		}
	}
	return nil
}
