package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// usage is what code outside the package to cut uses of the SDK, with the first place (file:line) of each use. A symbol
// without an import path stands for another package of the SDK, whose path is its name.
type usage map[symbol]string

func (u usage) add(s symbol, place string) {
	if u[s] == "" {
		u[s] = place
	}
}

// of returns the names in use of the package to cut, sorted. With "" it returns the paths of the other packages in use.
func (u usage) of(importPath string) []string {
	var names []string
	for s := range u {
		if s.importPath == importPath {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	return names
}

// scanProgram scans all Go files of the main module, including tests. It ignores build constraints.
func scanProgram(prog *program) (usage, error) {
	used := make(usage)
	err := filepath.WalkDir(prog.root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != prog.root && !hasPackages(file):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || !isGoFile(entry.Name()):
			return nil
		}
		shown, err := filepath.Rel(prog.root, file)
		if err != nil {
			return err
		}
		return used.addFile(file, shown, prog)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the module's own code: %w", err)
	}
	if len(used.of(prog.sdk.path)) == 0 {
		return nil, fmt.Errorf("no Go file of this module uses a name of %s: nothing to cut it down to", prog.sdk.path)
	}
	return used, nil
}

// hasPackages reports whether a folder below the root may have packages of the main module, by the go command's rules.
func hasPackages(dir string) bool {
	name := filepath.Base(dir)
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err != nil
}

// addFile adds what a file uses. Errors call the file shown.
func (u usage) addFile(name, shown string, prog *program) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	// Errors in files that do not import the SDK are for the compiler to report.
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, shown, src, parser.ImportsOnly)
	if err != nil {
		return fmt.Errorf("parsing: %s", printable(err))
	}
	imports := make(map[string]bool) // local names of the package to cut
	for _, spec := range file.Imports {
		place := placeOf(fset, spec.Pos())
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("parsing: %s: import path %q: %w", place, spec.Path.Value, err)
		}
		switch {
		case !prog.inSDK(importPath):
		case path.Clean(importPath) != importPath:
			// It might lead out of the module's folder. No compiler accepts it.
			return fmt.Errorf("%s: %q is not an import path", place, importPath)
		case importPath != prog.sdk.path:
			u.add(symbol{name: importPath}, place)
		case spec.Name == nil:
			imports[prog.sdk.name] = true
		case spec.Name.Name == ".":
			return fmt.Errorf("%s: dot import of %s: give it a name, so that slim can tell what is used of it", place, importPath)
		case spec.Name.Name != "_":
			imports[spec.Name.Name] = true
		}
	}
	if len(imports) == 0 {
		return nil
	}
	if file, err = parser.ParseFile(fset, shown, src, 0); err != nil {
		return fmt.Errorf("parsing: %s", printable(err))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			// The parser does not resolve imports, so what it has resolved is a local variable or the like.
			if base, ok := selector.X.(*ast.Ident); ok && base.Obj == nil && imports[base.Name] {
				u.add(symbol{prog.sdk.path, selector.Sel.Name}, placeOf(fset, selector.Pos()))
			}
		}
		return true
	})
	return nil
}

// placeOf returns file:line.
func placeOf(fset *token.FileSet, pos token.Pos) string {
	position := fset.Position(pos)
	return fmt.Sprintf("%s:%d", position.Filename, position.Line)
}

// printable returns the text of a syntax error, which may quote anything, as one line.
func printable(err error) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, err.Error())
}
