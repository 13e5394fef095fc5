package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// cut is a set of packages and what is kept of them.
type cut struct {
	prog  *program
	pkgs  map[string]*sdkPackage // by import path
	whole map[string]bool        // the import paths of the packages that are copied whole
	queue []*decl                // kept; what they refer to is not yet
}

// cutPackages decides what to keep of each package.
func cutPackages(prog *program, used *usage) (*cut, error) {
	c := &cut{prog: prog, pkgs: make(map[string]*sdkPackage), whole: make(map[string]bool)}
	for _, t := range prog.targets {
		p, err := loadPackage(t, prog)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.path, err)
		}
		c.pkgs[t.path] = p
	}
	if err := c.checkNames(used); err != nil {
		return nil, err
	}
	if err := c.keepUsed(used); err != nil {
		return nil, err
	}
	for len(c.queue) > 0 || c.keepPieces() {
		d := c.queue[len(c.queue)-1]
		c.queue = c.queue[:len(c.queue)-1]
		if err := c.keepRefsOf(d); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkNames returns an error that lists the names in use that a package lacks.
func (c *cut) checkNames(used *usage) error {
	var errs []error
	for _, t := range c.prog.targets {
		p := c.pkgs[t.path]
		var missing []string
		for _, name := range used.of(t) {
			if len(p.named[name]) > 0 && ast.IsExported(name) {
				continue
			}
			line := fmt.Sprintf("\n\t%s: %s.%s", used.names[t.path][name], t.name, name)
			if similar := p.similar(name); len(similar) > 0 {
				line += " (did you mean " + strings.Join(similar, ", ") + "?)"
			}
			missing = append(missing, line)
		}
		if len(missing) > 0 {
			errs = append(errs, fmt.Errorf("package %s (module %s %s) lacks:%s", t.path, t.module.path, t.module.version,
				strings.Join(missing, "")))
		}
	}
	return errors.Join(errs...)
}

// similar returns the up to three exported names of the package that are closest to name.
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

// keepUsed keeps what code outside the packages uses.
func (c *cut) keepUsed(used *usage) error {
	for importPath, names := range used.names {
		for name := range names {
			c.keepName(c.pkgs[importPath], name)
		}
	}
	for _, importPath := range slices.Sorted(maps.Keys(used.whole)) {
		if err := c.keepWhole(importPath); err != nil {
			return fmt.Errorf("%s: %w", used.whole[importPath], err)
		}
	}
	return nil
}

// keepWhole keeps a package that is not cut, and what it uses of those that are.
func (c *cut) keepWhole(importPath string) error {
	if c.whole[importPath] {
		return nil
	}
	c.whole[importPath] = true
	mod := c.prog.sdkModule(importPath)
	files, err := goFiles(mod.packageDir(importPath))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s %s has no package %s", mod.path, mod.version, importPath)
	}
	used := newUsage()
	for _, file := range files {
		if err := used.addFile(file, file, c.prog); err != nil {
			return fmt.Errorf("reading %s: %w", importPath, err)
		}
	}
	return c.keepUsed(used)
}

func (c *cut) keepName(p *sdkPackage, name string) {
	for _, d := range p.named[name] {
		c.keepDecl(d)
	}
}

func (c *cut) keepDecl(d *decl) {
	if !d.kept {
		d.kept = true
		c.queue = append(c.queue, d)
	}
}

// keepRefsOf keeps what a declaration refers to, its kept pieces included, and the methods of a type.
func (c *cut) keepRefsOf(d *decl) error {
	refs := slices.Clip(d.refs)
	for _, p := range d.pieces {
		if p.kept {
			refs = append(refs, p.refs...)
		}
	}
	for _, ref := range refs {
		if p := c.pkgs[ref.importPath]; p != nil {
			c.keepName(p, ref.name)
		} else if err := c.keepWhole(ref.importPath); err != nil {
			return err
		}
	}
	if d.isType {
		for _, method := range d.file.pkg.methods[d.names[0]] {
			c.keepDecl(method)
		}
	}
	return nil
}

// keepPieces keeps the pieces that are wanted by now, and reports whether there were any.
func (c *cut) keepPieces() bool {
	for _, t := range c.prog.targets {
		for _, p := range c.pkgs[t.path].pieces {
			if !p.kept && p.wanted() {
				p.kept = true
				c.queue = append(c.queue, p.decl)
			}
		}
	}
	return len(c.queue) > 0
}

// wanted reports whether a piece is to be kept, going by what is kept so far.
func (p *piece) wanted() bool {
	pkg := p.decl.file.pkg
	anchors := pkg.anchors(p.needs)
	switch {
	case !pkg.keeps(anchors):
		return false
	case p.decl.recv != "": // a case of a Construct method
		return p.decl.kept
	case p.factory != "":
		return pkg.constructsKept(p.factory, p.token)
	case len(p.assigns) == 0 && (len(anchors) > 0 || len(p.locals) == 0):
		return len(anchors) > 0 || !p.inert
	}
	// The statement sets variables for other statements, or checks them, such as an error.
	relevant := p.assigns
	if len(relevant) == 0 {
		relevant = p.locals
	}
	return slices.ContainsFunc(p.decl.pieces, func(other *piece) bool {
		return other.kept && slices.ContainsFunc(other.locals, func(local string) bool { return slices.Contains(relevant, local) })
	})
}

// anchors returns the names of declarations that a piece stands and falls with. Unexported functions are not: they come
// along, as helpers.
func (p *sdkPackage) anchors(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		decls := p.named[name]
		return len(decls) == 0 || decls[0].isFunc && !ast.IsExported(name)
	})
}

// keeps reports whether all of the names are kept.
func (p *sdkPackage) keeps(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		decls := p.named[name]
		return len(decls) == 0 || !decls[0].kept
	})
}

// constructsKept reports whether a type can construct a kept resource whose type token has the prefix.
func (p *sdkPackage) constructsKept(factory, prefix string) bool {
	for _, method := range p.methods[factory] {
		if len(method.pieces) > 0 {
			return slices.ContainsFunc(method.pieces, func(one *piece) bool {
				return strings.HasPrefix(one.token, prefix) && p.keeps(p.anchors(one.needs))
			})
		}
		others := slices.DeleteFunc(method.own(), func(name string) bool { return name == factory })
		if !p.keeps(p.anchors(others)) {
			return false
		}
	}
	return true
}
