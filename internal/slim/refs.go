// What a piece of syntax names.

package main

import (
	"go/ast"
	"slices"
)

// refs is what a piece of syntax names.
type refs struct {
	idents  []string    // identifiers that may stand for declarations of the package, sorted
	bases   []string    // those of them that are followed by a dot, so may stand for imports, sorted
	selects []selection // what is selected of packages of the SDKs
}

// selection is a name that is selected of an imported package.
type selection struct{ importPath, name string }

// refs returns what a node names.
func (l *loader) refs(node ast.Node) refs {
	c := &refsCollector{loader: l}
	c.collect(node)
	return c.refs()
}

// refsCollector gathers what several nodes name.
type refsCollector struct {
	loader  *loader
	idents  []string
	bases   []string
	selects []selection
}

// collect adds what a node names. It passes over the names that a node gives, and over those behind a dot.
func (c *refsCollector) collect(node ast.Node) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			c.idents = append(c.idents, n.Name)
		case *ast.SelectorExpr:
			if base, ok := n.X.(*ast.Ident); ok {
				c.bases = append(c.bases, base.Name)
				if importPath := c.loader.sdkImports[base.Name]; importPath != "" {
					c.selects = append(c.selects, selection{importPath, n.Sel.Name})
				}
			}
			c.collect(n.X)
			return false
		case *ast.Field:
			c.collect(n.Type)
			return false
		case *ast.FuncDecl:
			if n.Recv != nil {
				c.collect(n.Recv)
			}
			c.collect(n.Type)
			if n.Body != nil {
				c.collect(n.Body)
			}
			return false
		case *ast.TypeSpec:
			if n.TypeParams != nil {
				c.collect(n.TypeParams)
			}
			c.collect(n.Type)
			return false
		case *ast.ValueSpec:
			if n.Type != nil {
				c.collect(n.Type)
			}
			for _, value := range n.Values {
				c.collect(value)
			}
			return false
		}
		return true
	})
}

func (c *refsCollector) refs() refs {
	slices.Sort(c.idents)
	slices.Sort(c.bases)
	return refs{slices.Clone(slices.Compact(c.idents)), slices.Clone(slices.Compact(c.bases)), c.selects}
}
