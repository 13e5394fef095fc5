package main

import (
	"go/ast"
	"go/token"
	"slices"
)

// split moves the statements of a block out of the head of a function. There is a piece for each.
func (f *sourceFile) split(d *decl, fn *ast.FuncDecl, block *ast.BlockStmt, pieces []*piece) {
	start := block.Lbrace + 1
	d.head = d.head[:len(d.head)-len(f.textOf(start, fn.End()))]
	d.refs = f.refs(fn, block)
	d.pieces = pieces
	for i, stmt := range block.List {
		pieces[i].decl, pieces[i].text = d, f.textOf(start, stmt.End())
		start = stmt.End()
	}
	d.tail = f.textOf(start, fn.End())
}

// splitInit splits an init function into its statements. It reports false for one without registrations, which stays
// whole. A generated init function has registrations, and statements that set their variables
// (https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/codegen/go/gen.go).
func (f *sourceFile) splitInit(d *decl, fn *ast.FuncDecl) bool {
	var pieces []*piece
	registers := false
	for _, stmt := range fn.Body.List {
		p := &piece{refs: f.refs(stmt, nil)}
		pieces = append(pieces, p)
		switch name, args := calledBy(stmt); {
		case name == "RegisterInputType" && len(args) == 2, name == "RegisterOutputType" && len(args) == 1:
			// For an input the interface decides: the runtime makes the type for code that uses the interface.
			p.needs = f.pkg.own(f.refs(args[0], nil))
		case name == "RegisterResourceModule" && len(args) == 3:
			p.token = f.unquote(args[0]) + ":" + f.unquote(args[1]) + ":"
			p.factory = composedType(args[2])
		case name == "RegisterResourcePackage" && len(args) == 2:
			p.factory = composedType(args[1])
		default:
			p.shared = true
		}
		registers = registers || !p.shared
	}
	if registers {
		f.split(d, fn, fn.Body, pieces)
	}
	return registers
}

// calledBy returns the name and the arguments of a statement that calls a function of another package.
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

// splitConstruct splits a Construct method, which makes a resource for a type token, into the cases of its switch. The
// method stays whole unless each case has one string literal.
func (f *sourceFile) splitConstruct(d *decl, fn *ast.FuncDecl) {
	i := slices.IndexFunc(fn.Body.List, func(stmt ast.Stmt) bool {
		_, ok := stmt.(*ast.SwitchStmt)
		return ok
	})
	if i < 0 {
		return
	}
	block := fn.Body.List[i].(*ast.SwitchStmt).Body
	var pieces []*piece
	for _, stmt := range block.List {
		clause := stmt.(*ast.CaseClause)
		p := &piece{refs: f.refs(clause, nil)}
		pieces = append(pieces, p)
		if clause.List == nil { // the default
			continue
		}
		p.token, p.needs = f.unquote(clause.List[0]), f.pkg.own(p.refs)
		if p.token == "" || len(clause.List) > 1 {
			return
		}
	}
	f.split(d, fn, block, pieces)
}
