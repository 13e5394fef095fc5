// What no name leads to: the statements of init functions, the cases of Construct methods and the variables named _.

package main

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
)

// piece is what no name leads to and what is kept for the sake of what it names: a statement of an init function, a
// case of a Construct method, or a variable named _.
type piece struct {
	refs
	decl *decl
	span span
	kind pieceKind

	iface   []string // for an input type's registration: what names the interface
	glue    string   // for a module's or package's registration: the type that constructs the resources
	token   string   // for a case: the resource's type token; for a module's registration: how these begin
	calls   bool     // for a variable: whether its value calls anything
	touches []string // for a statement: the local variables of the init function that it names
	assigns []string // the variables that it declares or writes, sorted
}

// pieceKind tells the pieces apart.
type pieceKind int

const (
	initStatement pieceKind = iota
	constructCase
	blankVariable
)

// splitInit takes an init function apart into its statements.
func (l *loader) splitInit(d *decl, fn *ast.FuncDecl) {
	locals := declaredWithin(fn)
	end := fn.Body.Lbrace + 1
	for _, stmt := range fn.Body.List {
		p := &piece{refs: l.refs(stmt), decl: d, span: l.span(end, stmt.End()), kind: initStatement}
		end = stmt.End()
		for _, ident := range p.idents {
			if locals[ident] {
				p.touches = append(p.touches, ident)
			}
		}
		p.assigns = assigned(stmt)
		l.recognizeRegistration(p, stmt)
		d.pieces = append(d.pieces, p)
	}
}

// recognizeRegistration looks for the calls of Pulumi's runtime that are not simply kept for everything they name.
func (l *loader) recognizeRegistration(p *piece, stmt ast.Stmt) {
	expr, ok := stmt.(*ast.ExprStmt)
	if !ok {
		return
	}
	call, ok := expr.X.(*ast.CallExpr)
	if !ok {
		return
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	switch {
	case fn.Sel.Name == "RegisterInputType" && len(call.Args) == 2:
		p.iface = l.refs(call.Args[0]).idents
	case fn.Sel.Name == "RegisterResourceModule" && len(call.Args) == 3:
		pkgName, okPkg := stringLiteral(call.Args[0])
		modName, okMod := stringLiteral(call.Args[1])
		if okPkg && okMod {
			p.token = pkgName + ":" + modName + ":"
		}
		p.glue = composedType(call.Args[2])
	case fn.Sel.Name == "RegisterResourcePackage" && len(call.Args) == 2:
		p.glue = composedType(call.Args[1])
	}
}

// composedType returns T of &T{…}.
func composedType(expr ast.Expr) string {
	if unary, ok := expr.(*ast.UnaryExpr); ok && unary.Op == token.AND {
		if literal, ok := unary.X.(*ast.CompositeLit); ok {
			if ident, ok := literal.Type.(*ast.Ident); ok {
				return ident.Name
			}
		}
	}
	return ""
}

// stringLiteral returns the value of a string literal.
func stringLiteral(expr ast.Expr) (string, bool) {
	literal, ok := expr.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

// assigned returns the variables that a statement writes to.
func assigned(stmt ast.Stmt) []string {
	names := declaredWithin(stmt)
	ast.Inspect(stmt, func(n ast.Node) bool {
		var targets []ast.Expr
		switch n := n.(type) {
		case *ast.AssignStmt:
			targets = n.Lhs
		case *ast.IncDecStmt:
			targets = []ast.Expr{n.X}
		}
		for _, target := range targets {
			if ident, ok := target.(*ast.Ident); ok {
				names[ident.Name] = true
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(names))
}

// splitConstruct takes the cases out of the method that makes a resource for a type token. If the method is not a
// switch over string literals, it stays whole.
func (l *loader) splitConstruct(d *decl, fn *ast.FuncDecl) {
	whole := l.refs(fn)
	var cases *ast.SwitchStmt
	for _, stmt := range fn.Body.List {
		if s, ok := stmt.(*ast.SwitchStmt); ok {
			cases = s
			break
		}
	}
	if cases == nil {
		d.refs = whole
		return
	}
	end := cases.Body.Lbrace + 1
	var pieces []*piece
	rest := &refsCollector{loader: l}
	for _, stmt := range cases.Body.List {
		clause := stmt.(*ast.CaseClause)
		if clause.List == nil {
			rest.collect(clause)
			end = clause.End()
			continue
		}
		typeToken, ok := "", len(clause.List) == 1
		if ok {
			typeToken, ok = stringLiteral(clause.List[0])
		}
		if !ok {
			d.refs = whole
			return
		}
		pieces = append(pieces, &piece{
			refs: l.refs(clause), decl: d, span: l.span(end, clause.End()), kind: constructCase, token: typeToken,
		})
		end = clause.End()
	}
	for _, stmt := range fn.Body.List {
		if stmt != cases {
			rest.collect(stmt)
		}
	}
	rest.collect(fn.Recv)
	rest.collect(fn.Type)
	if cases.Init != nil {
		rest.collect(cases.Init)
	}
	if cases.Tag != nil {
		rest.collect(cases.Tag)
	}
	d.refs, d.pieces = rest.refs(), pieces
}

// hasCall tells whether a node calls or converts anything.
func hasCall(node ast.Node) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		_, call := n.(*ast.CallExpr)
		found = found || call
		return !found
	})
	return found
}
