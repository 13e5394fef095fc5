package migrator

import (
	"fmt"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// Elsewhere returns an error if a statement names a database, which may be another one than the
// job's. So a trial of the migrations in a database of its own touches no other.
func Elsewhere(pending []Pending) error {
	for _, p := range pending {
		for _, step := range p.Steps {
			for _, s := range step.Statements {
				for _, name := range below[*ast.TableName](s.node) {
					if name.Schema.O != "" && !strings.EqualFold(name.Schema.O, "information_schema") {
						return fmt.Errorf("%s:%d names the database %s", p.Name, s.Line, name.Schema.O)
					}
				}
			}
		}
	}
	return nil
}
