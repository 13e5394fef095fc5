package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"
)

// sdkPackage is a package to cut. It is read by syntax alone: an identifier may denote a local variable that has the name
// of a declaration. The declaration is then kept although nothing needs it, which costs a little and breaks nothing.
type sdkPackage struct {
	*target
	files   []*sourceFile      // sorted by name
	named   map[string][]*decl // several of a name if build constraints choose between them
	methods map[string][]*decl // by the name of their type
	pieces  []*piece
}

// sourceFile is a file of a package.
type sourceFile struct {
	pkg     *sdkPackage
	base    string // its name in the folder
	text    string
	header  string // up to the end of the package clause: license, build constraints, the package's comment
	hasDoc  bool   // the header has the package's comment
	imports []importSpec
	decls   []*decl
}

// importSpec is an import of a file.
type importSpec struct {
	text   string   // as in the file
	locals []string // the names by which the file may refer to it; nil for a blank or dot import
}

// symbol is a top-level name of a package.
type symbol struct{ importPath, name string }

// decl is a top-level declaration: a function, a method, a type, a variable or a group of constants. Groups of types and
// variables are split. Constants stay together, since one may repeat the expression of the one above it.
type decl struct {
	file    *sourceFile
	names   []string // what it declares; none for methods, init functions and variables named _
	isType  bool
	isFunc  bool
	aliasOf string // for an alias of a type of the same package: that type's name
	recv    string // for a method: the name of its type
	prefix  string // precedes the text: the comment, and the keyword of what was split off a group
	span    span
	refs    []symbol
	pieces  []*piece
	kept    bool
}

// piece is a part of a declaration that nothing refers to: a statement of an init function, a case of a Construct method,
// a variable named _. It is kept for the sake of what it refers to.
type piece struct {
	decl  *decl
	span  span
	refs  []symbol
	needs []string // the piece goes unless all of these that the package declares are kept

	locals  []string // the variables of the init function that the statement mentions
	assigns []string // those that it sets
	inert   bool     // it has no effect by itself
	token   string   // for a case: the resource's type token; for a module's registration: their prefix
	factory string   // for a module's or package's registration: the type that constructs the resources
	kept    bool
}

// span is a range of bytes of a file.
type span struct{ start, end int }

// loadPackage reads a package to cut. Files are parsed in parallel, and no syntax tree outlives its file's reading.
func loadPackage(t *target, prog *program) (*sdkPackage, error) {
	names, err := goFiles(t.module.packageDir(t.path))
	if err != nil {
		return nil, err
	}
	p := &sdkPackage{
		target:  t,
		files:   make([]*sourceFile, len(names)),
		named:   make(map[string][]*decl),
		methods: make(map[string][]*decl),
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() (err error) {
			p.files[i], err = loadFile(name, p, prog)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("parsing: %s", printable(err))
	}
	aliases := make(map[string]string)
	for _, file := range p.files {
		for _, d := range file.decls {
			for _, name := range d.names {
				p.named[name] = append(p.named[name], d)
				aliases[name] = d.aliasOf
			}
			p.pieces = append(p.pieces, d.pieces...)
		}
	}
	for _, file := range p.files {
		for _, d := range file.decls {
			if d.recv != "" {
				typ := cmp.Or(aliases[d.recv], d.recv)
				p.methods[typ] = append(p.methods[typ], d)
			}
		}
	}
	return p, nil
}

// parsedFile is a sourceFile under construction.
type parsedFile struct {
	*sourceFile
	base int               // the token.Pos of the first byte
	sdks map[string]string // the imports of SDK packages, by local name
}

// loadFile reads a file of a package.
func loadFile(name string, p *sdkPackage, prog *program) (*sourceFile, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &parsedFile{
		sourceFile: &sourceFile{pkg: p, base: filepath.Base(name), text: string(src), hasDoc: syntax.Doc != nil},
		base:       fset.File(syntax.Pos()).Base(),
		sdks:       make(map[string]string),
	}
	f.header = f.textOf(syntax.FileStart, syntax.Name.End())
	for _, spec := range syntax.Imports {
		if err := f.addImport(spec, prog); err != nil {
			return nil, err
		}
	}
	for _, d := range syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f.addFunc(d)
		case *ast.GenDecl:
			f.addGroup(d)
		}
	}
	return f.sourceFile, nil
}

func (f *parsedFile) span(start, end token.Pos) span {
	return span{int(start) - f.base, int(end) - f.base}
}

func (f *parsedFile) textOf(start, end token.Pos) string {
	s := f.span(start, end)
	return f.text[s.start:s.end]
}

func (f *parsedFile) comment(group *ast.CommentGroup) string {
	if group == nil {
		return ""
	}
	return f.textOf(group.Pos(), group.End()) + "\n"
}

func (f *parsedFile) addImport(spec *ast.ImportSpec, prog *program) error {
	importPath, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return fmt.Errorf("import path %s: %w", spec.Path.Value, err)
	}
	imported := importSpec{text: f.textOf(spec.Pos(), spec.End())}
	switch {
	case spec.Name == nil:
		// Generated SDKs name a package in the import wherever its path does not tell the name.
		unversioned, _, _ := module.SplitPathVersion(importPath)
		imported.locals = []string{path.Base(importPath), path.Base(unversioned)}
	case spec.Name.Name != "_" && spec.Name.Name != ".":
		imported.locals = []string{spec.Name.Name}
	}
	f.imports = append(f.imports, imported)
	if prog.sdkModule(importPath) != nil {
		for _, local := range imported.locals {
			f.sdks[local] = importPath
		}
	}
	return nil
}

func (f *parsedFile) addFunc(fn *ast.FuncDecl) {
	d := &decl{file: f.sourceFile, prefix: f.comment(fn.Doc), span: f.span(fn.Type.Func, fn.End())}
	f.decls = append(f.decls, d)
	switch {
	case fn.Recv == nil && fn.Name.Name == "init" && fn.Body != nil:
		f.splitInit(d, fn.Body)
		return
	case fn.Recv == nil && fn.Name.Name != "_":
		d.names, d.isFunc = []string{fn.Name.Name}, true
	case fn.Recv != nil && len(fn.Recv.List) > 0:
		d.recv = typeName(fn.Recv.List[0].Type)
	}
	var cases []ast.Node
	if d.recv != "" && fn.Name.Name == "Construct" && fn.Body != nil {
		cases = f.splitConstruct(d, fn.Body)
	}
	d.refs = f.refs(fn, cases...)
}

// typeName returns the name of a method's receiver type, which is the first identifier in it.
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

func (f *parsedFile) addGroup(group *ast.GenDecl) {
	switch group.Tok {
	case token.IMPORT:
		return
	case token.CONST:
		d := &decl{file: f.sourceFile, prefix: f.comment(group.Doc), span: f.span(group.TokPos, group.End()), refs: f.refs(group)}
		for _, spec := range group.Specs {
			d.names = append(d.names, valueNames(spec.(*ast.ValueSpec))...)
		}
		f.decls = append(f.decls, d)
		return
	}
	for _, spec := range group.Specs {
		d := &decl{file: f.sourceFile, span: f.span(spec.Pos(), spec.End()), refs: f.refs(spec)}
		var doc, trailing *ast.CommentGroup
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			d.names, d.isType = []string{spec.Name.Name}, true
			doc, trailing = spec.Doc, spec.Comment
			if target, ok := spec.Type.(*ast.Ident); ok && spec.Assign.IsValid() {
				d.aliasOf = target.Name
			}
		case *ast.ValueSpec:
			d.names = valueNames(spec)
			doc, trailing = spec.Doc, spec.Comment
		}
		if doc == nil && !group.Lparen.IsValid() {
			doc = group.Doc
		}
		d.prefix = f.comment(doc) + group.Tok.String() + " "
		if trailing != nil {
			d.span.end = f.span(trailing.Pos(), trailing.End()).end
		}
		if len(d.names) == 0 {
			inert := !strings.Contains(f.textOf(spec.Pos(), spec.End()), "(")
			d.pieces = []*piece{{decl: d, span: d.span, refs: d.refs, needs: d.own(), inert: inert}}
			d.refs = nil
		}
		f.decls = append(f.decls, d)
	}
}

// valueNames returns the names that a specification of constants or variables declares.
func valueNames(spec *ast.ValueSpec) []string {
	var names []string
	for _, name := range spec.Names {
		if name.Name != "_" {
			names = append(names, name.Name)
		}
	}
	return names
}

// refs returns what a node refers to, leaving out some of its descendants. It skips the names that the node gives and
// those behind a dot.
func (f *parsedFile) refs(node ast.Node, except ...ast.Node) []symbol {
	var refs []symbol
	seen := make(map[symbol]bool)
	add := func(ref symbol) {
		if !seen[ref] {
			seen[ref] = true
			refs = append(refs, ref)
		}
	}
	given := make(map[*ast.Ident]bool)
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			given[n.Name] = true
		case *ast.TypeSpec:
			given[n.Name] = true
		case *ast.Field:
			for _, name := range n.Names {
				given[name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				given[name] = true
			}
		case *ast.SelectorExpr:
			given[n.Sel] = true
			if base, ok := n.X.(*ast.Ident); ok && f.sdks[base.Name] != "" {
				add(symbol{f.sdks[base.Name], n.Sel.Name})
			}
		case *ast.Ident:
			if !given[n] {
				add(symbol{f.pkg.path, n.Name})
			}
		}
		return !slices.Contains(except, n)
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

func (d *decl) own() []string { return d.file.pkg.own(d.refs) }

// splitInit splits an init function into its statements. A statement needs what it refers to, and what the statements
// before it need that set its variables.
func (f *parsedFile) splitInit(d *decl, body *ast.BlockStmt) {
	isLocal := make(map[string]bool)
	for _, stmt := range body.List {
		assign, _ := stmt.(*ast.AssignStmt)
		if _, ok := stmt.(*ast.DeclStmt); ok || assign != nil && assign.Tok == token.DEFINE {
			for _, name := range assignedBy(stmt) {
				isLocal[name] = true
			}
		}
	}
	needs := make(map[string][]string) // by local variable
	end := body.Lbrace + 1
	for _, stmt := range body.List {
		p := &piece{decl: d, span: f.span(end, stmt.End()), refs: f.refs(stmt)}
		d.pieces = append(d.pieces, p)
		end = stmt.End()

		names := f.pkg.own(p.refs)
		for _, name := range names {
			if isLocal[name] {
				p.locals = append(p.locals, name)
				p.needs = append(p.needs, needs[name]...)
			}
		}
		switch fn, args := calledBy(stmt); {
		case fn == "RegisterInputType" && len(args) == 2:
			// Code that uses the interface alone gets the type that the runtime makes for it.
			names = f.pkg.own(f.refs(args[0]))
		case fn == "RegisterResourceModule" && len(args) == 3:
			p.token = f.unquote(args[0]) + ":" + f.unquote(args[1]) + ":"
			p.factory = composedType(args[2])
		case fn == "RegisterResourcePackage" && len(args) == 2:
			p.factory = composedType(args[1])
		}
		for _, name := range names {
			if !isLocal[name] && name != p.factory {
				p.needs = append(p.needs, name)
			}
		}
		for _, name := range assignedBy(stmt) {
			if isLocal[name] {
				p.assigns = append(p.assigns, name)
				needs[name] = append(needs[name], p.needs...)
			}
		}
	}
}

// calledBy returns the name and arguments of the function of another package that a statement calls, if it is a call.
func calledBy(stmt ast.Stmt) (name string, args []ast.Expr) {
	if expr, ok := stmt.(*ast.ExprStmt); ok {
		if call, ok := expr.X.(*ast.CallExpr); ok {
			if fn, ok := call.Fun.(*ast.SelectorExpr); ok {
				return fn.Sel.Name, call.Args
			}
		}
	}
	return "", nil
}

// composedType returns T of &T{…}.
func composedType(expr ast.Expr) string {
	if unary, ok := expr.(*ast.UnaryExpr); ok && unary.Op == token.AND {
		if literal, ok := unary.X.(*ast.CompositeLit); ok {
			return typeName(literal.Type)
		}
	}
	return ""
}

// unquote returns the value of a string literal, or "".
func (f *parsedFile) unquote(expr ast.Expr) string {
	value, _ := strconv.Unquote(f.textOf(expr.Pos(), expr.End()))
	return value
}

// assignedBy returns the variables that a statement declares or sets, itself or inside.
func assignedBy(stmt ast.Stmt) []string {
	var names []string
	add := func(exprs ...ast.Expr) {
		for _, expr := range exprs {
			if ident, ok := expr.(*ast.Ident); ok {
				names = append(names, ident.Name)
			}
		}
	}
	ast.Inspect(stmt, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			add(n.Lhs...)
		case *ast.RangeStmt:
			add(n.Key, n.Value)
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.ValueSpec:
			names = append(names, valueNames(n)...)
		}
		return true
	})
	return names
}

// splitConstruct splits the cases off the method that makes a resource for a type token, and returns them. Unless the
// method is a switch over string literals it stays whole.
func (f *parsedFile) splitConstruct(d *decl, body *ast.BlockStmt) []ast.Node {
	i := slices.IndexFunc(body.List, func(stmt ast.Stmt) bool {
		_, ok := stmt.(*ast.SwitchStmt)
		return ok
	})
	if i < 0 {
		return nil
	}
	block := body.List[i].(*ast.SwitchStmt).Body
	end := block.Lbrace + 1
	var cases []ast.Node
	var pieces []*piece
	for _, stmt := range block.List {
		clause := stmt.(*ast.CaseClause)
		if len(clause.List) > 0 {
			typeToken := f.unquote(clause.List[0])
			if typeToken == "" || len(clause.List) > 1 {
				return nil
			}
			p := &piece{decl: d, span: f.span(end, clause.End()), refs: f.refs(clause), token: typeToken}
			p.needs = f.pkg.own(p.refs)
			cases, pieces = append(cases, clause), append(pieces, p)
		}
		end = clause.End()
	}
	d.pieces = pieces
	return cases
}
