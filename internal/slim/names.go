// Which names the program uses: the selector expressions on imports of the packages to cut.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// usage is what code outside of the packages to cut uses of the SDKs.
type usage struct {
	names map[string]map[string]use // by the import path of a package to cut, then by the name
	whole map[string]string         // other packages of the SDKs' modules, with a place that imports them
}

// use is a place at which a name is used.
type use struct {
	place string // file:line
	// doubtful means that the selector may be one on a variable which hides the import. The name is kept if the
	// SDK has it, and is no error if not.
	doubtful bool
}

func newUsage() *usage {
	return &usage{names: make(map[string]map[string]use), whole: make(map[string]string)}
}

// scanProgram reads all Go files of the main module, tests included and whatever their build constraints.
func scanProgram(prog *program, s *sdks) (*usage, error) {
	used := newUsage()
	root := prog.root
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if file != root && foreign(file, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || !isGoFile(entry.Name()) {
			return nil
		}
		shown, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		return used.addFile(file, shown, s)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the module's own code: %w", err)
	}
	for _, t := range s.targets {
		if len(used.names[t.path]) == 0 {
			return nil, fmt.Errorf("no Go file of this module uses a name of %s: nothing to cut it down to", t.path)
		}
	}
	return used, nil
}

// foreign tells whether a folder holds no packages of the main module: the go command's rules.
func foreign(dir, name string) bool {
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// addFile adds what one file uses. Messages name it as shown.
func (u *usage) addFile(name, shown string, s *sdks) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	// Most files import no SDK, and an error in the body of one of those is the compiler's business.
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, shown, src, parser.ImportsOnly)
	if err != nil {
		return fmt.Errorf("parsing: %s", printable(err))
	}
	locals := make(map[string]*target)
	for _, spec := range file.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("parsing: %s: import path %q: %w", fset.Position(spec.Pos()), spec.Path.Value, err)
		}
		place := placeOf(fset, spec.Pos())
		t := s.target(importPath)
		switch {
		case t == nil:
			if s.module(importPath) == nil {
				break
			}
			if path.Clean(importPath) != importPath {
				// It could lead out of the module's folder, and no compiler takes it.
				return fmt.Errorf("%s: %q is not an import path", place, importPath)
			}
			if u.whole[importPath] == "" {
				u.whole[importPath] = place
			}
		case spec.Name == nil:
			locals[t.name] = t
		case spec.Name.Name == ".":
			return fmt.Errorf("%s: dot import of %s: give it a name, so that what is used of it can be told", place, importPath)
		case spec.Name.Name != "_":
			locals[spec.Name.Name] = t
		}
	}
	if len(locals) == 0 {
		return nil
	}
	if file, err = parser.ParseFile(fset, shown, src, parser.SkipObjectResolution); err != nil {
		return fmt.Errorf("parsing: %s", printable(err))
	}
	for _, decl := range file.Decls {
		hidden := declaredWithin(decl)
		ast.Inspect(decl, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if base, ok := selector.X.(*ast.Ident); ok {
				if t := locals[base.Name]; t != nil {
					u.addName(t, selector.Sel.Name, use{placeOf(fset, selector.Pos()), hidden[base.Name]})
				}
			}
			return true
		})
	}
	return nil
}

// addName notes a use. The place that is remembered is the first that leaves no doubt.
func (u *usage) addName(t *target, name string, by use) {
	names := u.names[t.path]
	if names == nil {
		names = make(map[string]use)
		u.names[t.path] = names
	}
	if old, ok := names[name]; !ok || old.doubtful && !by.doubtful {
		names[name] = by
	}
}

// of returns the sorted names that are used of a package.
func (u *usage) of(t *target) []string {
	return slices.Sorted(maps.Keys(u.names[t.path]))
}

// declaredWithin returns the names of the parameters, variables and types that a declaration or statement declares
// inside itself. It does not tell where each is in scope, so it can say that an identifier may mean one of them, not
// that it does.
func declaredWithin(node ast.Node) map[string]bool {
	names := make(map[string]bool)
	add := func(exprs ...ast.Expr) {
		for _, expr := range exprs {
			if ident, ok := expr.(*ast.Ident); ok {
				names[ident.Name] = true
			}
		}
	}
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				add(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key, n.Value)
			}
		case *ast.Field:
			for _, name := range n.Names {
				add(name)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				add(name)
			}
		case *ast.TypeSpec:
			add(n.Name)
		}
		return true
	})
	return names
}

// placeOf returns file:line.
func placeOf(fset *token.FileSet, pos token.Pos) string {
	position := fset.Position(pos)
	return fmt.Sprintf("%s:%d", position.Filename, position.Line)
}

// printable words a syntax error, which may quote anything, as one line.
func printable(err error) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, err.Error())
}
