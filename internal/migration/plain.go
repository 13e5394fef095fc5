package migration

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// readPlain reads the files of a folder, in the order of their names. Goose's annotations are
// refused: here they would be comments, and what is below "Down" would run.
func (l listing) readPlain() (migrations []Migration, err error) {
	var problems []error
	for _, name := range l.files { // sorted by os.ReadDir
		if path.Ext(name) != ".sql" || strings.HasPrefix(name, ".") {
			continue
		}
		m, err := readFile(l.path, name, Plain)
		if l.isAnnotated(name) {
			err = fmt.Errorf("%s has goose's annotations, but all of it would run: remove them, and what is below \"Down\"", name)
		}
		migrations, problems = append(migrations, m), append(problems, err)
	}
	return migrations, errors.Join(problems...)
}
