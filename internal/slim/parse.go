package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"
)

// sourceFile is a file of the package to cut.
type sourceFile struct {
	pkg     *sdkPackage
	name    string // in the folder
	text    string
	base    int    // the token.Pos of its first byte
	header  string // up to the end of the package clause: license, build constraints, the package's comment
	hasDoc  bool   // the header has the package's comment
	imports []importSpec
	paths   map[string]string // import paths by local name
	aliases map[string]string // for types of the package that are aliases: the other type
	decls   []*decl
}

// importSpec is an import of a file.
type importSpec struct {
	text string // as in the file
	path string // "" for a blank or dot import
}

// symbol is a top-level name of a package.
type symbol struct{ importPath, name string }

// decl is a top-level declaration: a function, a method, or a group of types, variables or constants.
type decl struct {
	file       *sourceFile
	names      []string // what it declares; none for methods, init functions and variables named _
	isValue    bool     // whether it declares constants or variables
	recv       string   // for a method: the name of its type
	head, tail string   // its text, comment included, before and after the pieces
	refs       []symbol // of head and tail
	pieces     []*piece
	always     bool // whether it is kept in any case, since it may have effects
	kept       bool
}

// piece is a part of a declaration. It is kept if what it refers to is.
type piece struct {
	decl    *decl
	text    string
	refs    []symbol
	needs   []string // the piece is kept only if those of these names are that the package declares
	token   string   // for a case: the resource's type token; for a module's registration: their prefix
	factory string   // for a module's or package's registration: the type that constructs the resources
	shared  bool     // whether it is kept if another piece of the declaration is
	kept    bool
}

// load reads the package. It parses files in parallel, and keeps no syntax tree.
func (p *sdkPackage) load() error {
	names, err := p.module.goFiles(p.path)
	if err != nil {
		return err
	}
	p.files = make([]*sourceFile, len(names))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() (err error) {
			p.files[i], err = p.loadFile(name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("parsing: %s", printable(err))
	}
	p.named, p.methods = make(map[string][]*decl), make(map[string][]*decl)
	aliases := make(map[string]string)
	for _, file := range p.files {
		p.decls = append(p.decls, file.decls...)
		maps.Copy(aliases, file.aliases)
	}
	for _, d := range p.decls {
		for _, name := range d.names {
			p.named[name] = append(p.named[name], d)
		}
		if d.recv != "" {
			typ := cmp.Or(aliases[d.recv], d.recv)
			p.methods[typ] = append(p.methods[typ], d)
		}
	}
	return nil
}

func (p *sdkPackage) loadFile(name string) (*sourceFile, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &sourceFile{
		pkg:     p,
		name:    filepath.Base(name),
		text:    string(src),
		base:    int(syntax.FileStart),
		hasDoc:  syntax.Doc != nil,
		paths:   make(map[string]string),
		aliases: make(map[string]string),
	}
	f.header = f.textOf(syntax.FileStart, syntax.Name.End())
	for _, spec := range syntax.Imports {
		f.addImport(spec)
	}
	for _, d := range syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f.decls = append(f.decls, f.newFunc(d))
		case *ast.GenDecl:
			if d.Tok != token.IMPORT {
				f.decls = append(f.decls, f.newGroup(d))
			}
		}
	}
	return f, nil
}

func (f *sourceFile) textOf(start, end token.Pos) string {
	return f.text[int(start)-f.base : int(end)-f.base]
}

// unquote returns the value of a string literal, or "".
func (f *sourceFile) unquote(expr ast.Expr) string {
	value, _ := strconv.Unquote(f.textOf(expr.Pos(), expr.End()))
	return value
}

func (f *sourceFile) addImport(spec *ast.ImportSpec) {
	importPath := f.unquote(spec.Path)
	imported := importSpec{text: f.textOf(spec.Pos(), spec.End()), path: importPath}
	switch {
	case spec.Name == nil:
		// Generated SDKs name a package in its import unless the path tells the name.
		unversioned, _, _ := module.SplitPathVersion(importPath)
		f.paths[path.Base(importPath)] = importPath
		f.paths[path.Base(unversioned)] = importPath
	case spec.Name.Name == "_" || spec.Name.Name == ".":
		imported.path = ""
	default:
		f.paths[spec.Name.Name] = importPath
	}
	f.imports = append(f.imports, imported)
}

// newDecl returns a declaration that is not split.
func (f *sourceFile) newDecl(doc *ast.CommentGroup, node ast.Node, end token.Pos) *decl {
	start := node.Pos()
	if doc != nil {
		start = doc.Pos()
	}
	return &decl{file: f, head: f.textOf(start, end), refs: f.refs(node, nil)}
}

func (f *sourceFile) newFunc(fn *ast.FuncDecl) *decl {
	d := f.newDecl(fn.Doc, fn, fn.End())
	switch {
	case fn.Recv == nil && fn.Name.Name == "init" && fn.Body != nil:
		d.always = !f.splitInit(d, fn)
	case fn.Recv == nil && fn.Name.Name != "_":
		d.names = []string{fn.Name.Name}
	case fn.Recv != nil && len(fn.Recv.List) > 0:
		d.recv = typeName(fn.Recv.List[0].Type)
		if fn.Name.Name == "Construct" && fn.Body != nil {
			f.splitConstruct(d, fn)
		}
	}
	return d
}

// typeName returns the name of a receiver's or a literal's type: its first identifier.
func typeName(expr ast.Expr) string {
	name := ""
	ast.Inspect(expr, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok && name == "" {
			name = ident.Name
		}
		return name == ""
	})
	return name
}

// newGroup returns a declaration of constants, types or variables. A group stays together: generated SDKs group only
// constants, and a constant may repeat the expression of the one before.
func (f *sourceFile) newGroup(group *ast.GenDecl) *decl {
	end := group.End()
	var names []string
	for _, spec := range group.Specs {
		var trailing *ast.CommentGroup
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			names, trailing = append(names, spec.Name.Name), spec.Comment
			if other, ok := spec.Type.(*ast.Ident); ok && spec.Assign.IsValid() {
				f.aliases[spec.Name.Name] = other.Name
			}
		case *ast.ValueSpec:
			trailing = spec.Comment
			for _, name := range spec.Names {
				if name.Name != "_" {
					names = append(names, name.Name)
				}
			}
		}
		if trailing != nil && !group.Lparen.IsValid() {
			end = trailing.End()
		}
	}
	d := f.newDecl(group.Doc, group, end)
	d.names, d.isValue = names, group.Tok != token.TYPE
	d.always = len(names) == 0 && calls(group)
	return d
}

// calls reports whether there is a function call in a node. Without one, a variable named _ has no effects: it checks that
// a type implements an interface, or keeps an import in use.
func calls(node ast.Node) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		_, call := n.(*ast.CallExpr)
		found = found || call
		return !found
	})
	return found
}

// refs returns what a node refers to, except in one block. It skips the names of functions, parameters and fields, and
// the names after a dot.
func (f *sourceFile) refs(node ast.Node, except *ast.BlockStmt) []symbol {
	var refs []symbol
	seen := make(map[symbol]bool)
	add := func(ref symbol) {
		if !seen[ref] {
			seen[ref] = true
			refs = append(refs, ref)
		}
	}
	skip := make(map[*ast.Ident]bool)
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			skip[n.Name] = true
		case *ast.Field:
			for _, name := range n.Names {
				skip[name] = true
			}
		case *ast.SelectorExpr:
			skip[n.Sel] = true
			if base, ok := n.X.(*ast.Ident); ok && f.paths[base.Name] != "" {
				skip[base] = true
				add(symbol{f.paths[base.Name], n.Sel.Name})
			}
		case *ast.Ident:
			if !skip[n] {
				add(symbol{f.pkg.path, n.Name})
			}
		case *ast.BlockStmt:
			return n != except
		}
		return true
	})
	return refs
}

// own returns the names among refs that the package itself may declare.
func (p *sdkPackage) own(refs []symbol) []string {
	var names []string
	for _, ref := range refs {
		if ref.importPath == p.path {
			names = append(names, ref.name)
		}
	}
	return names
}
