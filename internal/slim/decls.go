// The declarations of a package of an SDK, and what each of them names.
//
// This works on syntax alone. An identifier may stand for a local variable that has the name of a declaration; then that
// is kept although nothing needs it, which costs a little and breaks nothing.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// pkg is a package to cut.
type pkg struct {
	*target
	files   []*sourceFile      // sorted by name
	named   map[string][]*decl // several of a name if build constraints choose between them
	methods map[string][]*decl // by the name of their type
	pieces  []*piece
}

// sourceFile is a file of a package.
type sourceFile struct {
	pkg     *pkg
	base    string // its name in the folder
	text    string
	header  string // all up to the end of the package clause: license, build constraints, the package's comment
	hasDoc  bool   // whether the header has the package's comment
	imports []importSpec
	decls   []*decl
}

// importSpec is one import of a file.
type importSpec struct {
	path   string
	text   string   // as it stands in the file
	locals []string // by what names the file may refer to it; none if it always has to stay
}

// decl is a top-level declaration: a function, a method, a type, a variable or a group of constants. A group of types or
// variables is taken apart. Constants stay together, since one may repeat the expression of the one above it.
type decl struct {
	refs
	file    *sourceFile
	names   []string // what it declares; none if it is a method, an init function or a variable named _
	isType  bool
	isFunc  bool
	aliasOf string // for an alias of a type of the same package: that type's name
	recv    string // for a method: the name of its type
	doc     string
	keyword string // put before the text of what was taken out of a group
	span    span
	pieces  []*piece // for an init function and a Construct method: what can be left out of it
}

// span is a range of bytes of a file.
type span struct{ start, end int }

// loadPackage reads all files of a package. They are many and large: they are parsed side by side, and no syntax tree
// outlives the reading of its file.
func loadPackage(t *target, s *sdks) (*pkg, error) {
	names, err := goFiles(t.dir())
	if err != nil {
		return nil, err
	}
	files := make([]*sourceFile, len(names))
	errs := make([]error, len(names))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			files[i], errs[i] = loadFile(name, s)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("parsing: %s", printable(err))
		}
	}

	p := &pkg{target: t, files: files, named: make(map[string][]*decl), methods: make(map[string][]*decl)}
	for _, file := range files {
		file.pkg = p
		for _, d := range file.decls {
			for _, name := range d.names {
				p.named[name] = append(p.named[name], d)
			}
			p.pieces = append(p.pieces, d.pieces...)
		}
	}
	for _, file := range files {
		for _, d := range file.decls {
			if d.recv != "" {
				typ := p.unalias(d.recv)
				p.methods[typ] = append(p.methods[typ], d)
			}
		}
	}
	return p, nil
}

// unalias returns the name of the type that an alias in the package stands for. No chain of aliases is longer than there
// are names.
func (p *pkg) unalias(name string) string {
	for range p.named {
		decls := p.named[name]
		if len(decls) == 0 || decls[0].aliasOf == "" || len(p.named[decls[0].aliasOf]) == 0 {
			break
		}
		name = decls[0].aliasOf
	}
	return name
}

// loadFile reads one file of a package.
func loadFile(name string, s *sdks) (*sourceFile, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	file := &sourceFile{base: filepath.Base(name), text: string(src), hasDoc: syntax.Doc != nil}
	l := &loader{file: file, base: fset.File(syntax.Pos()).Base(), sdks: s, sdkImports: make(map[string]string)}
	file.header = l.text(l.span(syntax.FileStart, syntax.Name.End()))
	for _, spec := range syntax.Imports {
		if err := l.addImport(spec); err != nil {
			return nil, err
		}
	}
	for _, d := range syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			l.addFunc(d)
		case *ast.GenDecl:
			l.addGroup(d)
		}
	}
	return file, nil
}

// loader builds a sourceFile from its syntax tree.
type loader struct {
	file       *sourceFile
	base       int // the token.Pos of the file's first byte
	sdks       *sdks
	sdkImports map[string]string // the imports that lie in the SDKs' modules, by local name
}

func (l *loader) span(start, end token.Pos) span { return span{int(start) - l.base, int(end) - l.base} }

func (l *loader) text(s span) string { return l.file.text[s.start:s.end] }

func (l *loader) comment(group *ast.CommentGroup) string {
	if group == nil {
		return ""
	}
	return l.text(l.span(group.Pos(), group.End())) + "\n"
}

func (l *loader) addImport(spec *ast.ImportSpec) error {
	importPath, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return fmt.Errorf("import path %s: %w", spec.Path.Value, err)
	}
	imported := importSpec{path: importPath, text: l.text(l.span(spec.Pos(), spec.End()))}
	switch {
	case spec.Name == nil:
		imported.locals = guessNames(importPath)
	case spec.Name.Name != "_" && spec.Name.Name != ".":
		imported.locals = []string{spec.Name.Name}
	}
	l.file.imports = append(l.file.imports, imported)
	if l.sdks.module(importPath) != nil {
		for _, local := range imported.locals {
			l.sdkImports[local] = importPath
		}
	}
	return nil
}

// majorVersion matches the last element of a module path from its second major version on.
var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// guessNames returns the names that a package may have, going by its import path. Generated SDKs give a package a name
// of its own in the import wherever its path does not tell.
func guessNames(importPath string) []string {
	elements := strings.Split(importPath, "/")
	last := elements[len(elements)-1]
	names := []string{last}
	if majorVersion.MatchString(last) && len(elements) > 1 {
		names = append(names, elements[len(elements)-2])
	}
	if name, _, ok := strings.Cut(last, ".v"); ok {
		names = append(names, name)
	}
	return names
}

func (l *loader) addFunc(fn *ast.FuncDecl) {
	d := &decl{file: l.file, doc: l.comment(fn.Doc), span: l.span(fn.Type.Func, fn.End())}
	l.file.decls = append(l.file.decls, d)
	switch {
	case fn.Recv == nil && fn.Name.Name == "init" && fn.Body != nil:
		l.splitInit(d, fn)
		return
	case fn.Recv == nil && fn.Name.Name != "_":
		d.names, d.isFunc = []string{fn.Name.Name}, true
	case fn.Recv != nil && len(fn.Recv.List) > 0:
		d.recv = typeName(fn.Recv.List[0].Type)
	}
	if d.recv != "" && fn.Name.Name == "Construct" && fn.Body != nil {
		l.splitConstruct(d, fn)
		return
	}
	d.refs = l.refs(fn)
}

// typeName returns the name of a method's receiver type.
func typeName(expr ast.Expr) string {
	for {
		switch e := expr.(type) {
		case *ast.Ident:
			return e.Name
		case *ast.StarExpr:
			expr = e.X
		case *ast.ParenExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		default:
			return ""
		}
	}
}

func (l *loader) addGroup(group *ast.GenDecl) {
	if group.Tok == token.IMPORT {
		return
	}
	if group.Tok == token.CONST {
		d := &decl{file: l.file, doc: l.comment(group.Doc), span: l.span(group.TokPos, group.End()), refs: l.refs(group)}
		for _, spec := range group.Specs {
			d.names = append(d.names, valueNames(spec)...)
		}
		l.file.decls = append(l.file.decls, d)
		return
	}
	for _, spec := range group.Specs {
		d := &decl{file: l.file, keyword: group.Tok.String() + " ", refs: l.refs(spec)}
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
		d.doc = l.comment(doc)
		d.span = l.span(spec.Pos(), spec.End())
		if trailing != nil {
			d.span.end = int(trailing.End()) - l.base
		}
		if len(d.names) == 0 {
			d.pieces = []*piece{{refs: d.refs, decl: d, span: d.span, kind: blankVariable, calls: hasCall(spec)}}
			d.refs = refs{}
		}
		l.file.decls = append(l.file.decls, d)
	}
}

// valueNames returns the names that a specification of constants or variables declares.
func valueNames(spec ast.Spec) []string {
	var names []string
	for _, name := range spec.(*ast.ValueSpec).Names {
		if name.Name != "_" {
			names = append(names, name.Name)
		}
	}
	return names
}
