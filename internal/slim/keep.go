package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// cut is what is kept of the SDK.
type cut struct {
	prog  *program
	sdk   *sdkPackage
	whole map[string]bool // the import paths of the packages that are copied whole
	err   error           // the first error
}

// cutPackage decides what to keep.
func cutPackage(prog *program, used usage) (*cut, error) {
	c := &cut{prog: prog, sdk: prog.sdk, whole: make(map[string]bool)}
	if err := c.sdk.load(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.sdk.path, err)
	}
	if err := c.sdk.checkNames(used); err != nil {
		return nil, err
	}
	c.keepUsed(used)
	for _, d := range c.sdk.decls {
		if d.always {
			c.keepDecl(d)
		}
	}
	for c.keepPieces() {
	}
	return c, c.err
}

// checkNames returns an error with the names in use that the package lacks.
func (p *sdkPackage) checkNames(used usage) error {
	var missing strings.Builder
	for _, name := range used.of(p.path) {
		if len(p.named[name]) > 0 && ast.IsExported(name) {
			continue
		}
		fmt.Fprintf(&missing, "\n\t%s: %s.%s", used[symbol{p.path, name}], p.name, name)
		if similar := p.similar(name); len(similar) > 0 {
			fmt.Fprintf(&missing, " (did you mean %s?)", strings.Join(similar, ", "))
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	return fmt.Errorf("package %s (module %s %s) lacks:%s", p.path, p.module.path, p.module.version, &missing)
}

// similar returns up to three exported names of the package that are close to name.
func (p *sdkPackage) similar(name string) []string {
	limit := 1 + len(name)/5
	distances := make(map[string]int)
	for other := range p.named {
		if ast.IsExported(other) && max(len(other)-len(name), len(name)-len(other)) <= limit {
			if d := levenshtein.Distance(name, other, nil); d <= limit {
				distances[other] = d
			}
		}
	}
	names := slices.SortedFunc(maps.Keys(distances), func(a, b string) int {
		return cmp.Or(cmp.Compare(distances[a], distances[b]), cmp.Compare(a, b))
	})
	return names[:min(len(names), 3)]
}

// keepUsed keeps what code outside the package to cut uses.
func (c *cut) keepUsed(used usage) {
	for _, name := range used.of(c.sdk.path) {
		c.keepName(name)
	}
	for _, importPath := range used.of("") {
		c.keepWhole(importPath, used[symbol{name: importPath}])
	}
}

// keepWhole keeps a package that is copied whole, and what it uses of the package to cut. place is where it is imported,
// for errors.
func (c *cut) keepWhole(importPath, place string) {
	if c.whole[importPath] {
		return
	}
	c.whole[importPath] = true
	mod := c.sdk.module
	files, err := mod.goFiles(importPath)
	if err != nil || len(files) == 0 {
		c.err = cmp.Or(c.err, fmt.Errorf("%s: %s %s has no package %s", place, mod.path, mod.version, importPath))
	}
	used := make(usage)
	for _, file := range files {
		if err := used.addFile(file, file, c.prog); err != nil {
			c.err = cmp.Or(c.err, fmt.Errorf("reading %s: %w", importPath, err))
		}
	}
	c.keepUsed(used)
}

func (c *cut) keepName(name string) {
	for _, d := range c.sdk.named[name] {
		c.keepDecl(d)
	}
}

// keepDecl keeps a declaration, what it refers to, and the methods of its types.
func (c *cut) keepDecl(d *decl) {
	if d.kept {
		return
	}
	d.kept = true
	c.keepRefs(d.file, d.refs)
	for _, name := range d.names {
		for _, method := range c.sdk.methods[name] {
			c.keepDecl(method)
		}
	}
}

// keepRefs keeps what a part of a file refers to.
func (c *cut) keepRefs(f *sourceFile, refs []symbol) {
	for _, ref := range refs {
		if ref.importPath == c.sdk.path {
			c.keepName(ref.name)
		} else if c.prog.inSDK(ref.importPath) {
			c.keepWhole(ref.importPath, f.name)
		}
	}
}

// keepPieces keeps the pieces that are wanted by now. It reports whether there were any.
func (c *cut) keepPieces() bool {
	found := false
	for _, d := range c.sdk.decls {
		for _, p := range d.pieces {
			if !p.kept && p.wanted() {
				p.kept, found = true, true
				c.keepRefs(d.file, p.refs)
			}
		}
	}
	return found
}

// wanted reports whether a piece should be kept, by what is kept so far.
func (p *piece) wanted() bool {
	pkg := p.decl.file.pkg
	switch {
	case p.shared:
		return slices.ContainsFunc(p.decl.pieces, func(other *piece) bool { return other.kept })
	case p.factory != "":
		return pkg.constructsKept(p.factory, p.token)
	case p.decl.recv != "" && !p.decl.kept: // a case of a Construct method
		return false
	}
	return pkg.keeps(p.needs)
}

// keeps reports whether all of the names are kept that the package declares.
func (p *sdkPackage) keeps(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		decls := p.named[name]
		return len(decls) > 0 && !decls[0].kept
	})
}

// constructsKept reports whether a type can construct a kept resource whose type token has the prefix.
func (p *sdkPackage) constructsKept(factory, prefix string) bool {
	for _, method := range p.methods[factory] {
		if len(method.pieces) > 0 {
			return slices.ContainsFunc(method.pieces, func(one *piece) bool {
				return strings.HasPrefix(one.token, prefix) && p.keeps(one.needs)
			})
		}
		others := slices.DeleteFunc(p.own(method.refs), func(name string) bool { return name == factory })
		if !p.keeps(others) {
			return false
		}
	}
	return true
}
