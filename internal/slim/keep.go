// The walk from the names that the program uses to all declarations they need.

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
)

// cut is a set of packages with what is kept of them.
type cut struct {
	sdks   *sdks
	pkgs   map[string]*pkg // by import path
	kept   map[*decl]bool
	pieces map[*piece]bool // the kept ones
	whole  map[string]bool // the import paths of the packages that are copied whole
	queue  []*decl         // kept, and what they name is not yet
}

// cutPackages decides what to keep of each package.
func cutPackages(s *sdks, used *usage) (*cut, error) {
	c := &cut{
		sdks:   s,
		pkgs:   make(map[string]*pkg),
		kept:   make(map[*decl]bool),
		pieces: make(map[*piece]bool),
		whole:  make(map[string]bool),
	}
	for _, t := range s.targets {
		p, err := loadPackage(t, s)
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
		if err := c.drain(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkNames returns an error that lists all names which the program uses and a package lacks.
func (c *cut) checkNames(used *usage) error {
	var errs []error
	for _, t := range c.sdks.targets {
		p := c.pkgs[t.path]
		var missing []string
		for _, name := range used.of(t) {
			by := used.names[t.path][name]
			if len(p.named[name]) > 0 && ast.IsExported(name) || by.doubtful {
				continue
			}
			line := fmt.Sprintf("\n\t%s: %s.%s", by.place, t.name, name)
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

// keepUsed keeps what code outside of the packages uses.
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

// keepWhole keeps all of a package that is not cut, and what that uses of those that are.
func (c *cut) keepWhole(importPath string) error {
	if c.whole[importPath] {
		return nil
	}
	c.whole[importPath] = true
	mod := c.sdks.module(importPath)
	files, err := goFiles(mod.packageDir(importPath))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s %s has no package %s", mod.path, mod.version, importPath)
	}
	used := newUsage()
	for _, file := range files {
		if err := used.addFile(file, file, c.sdks); err != nil {
			return fmt.Errorf("reading %s: %w", importPath, err)
		}
	}
	return c.keepUsed(used)
}

func (c *cut) keepName(p *pkg, name string) {
	for _, d := range p.named[name] {
		c.keepDecl(d)
	}
}

func (c *cut) keepDecl(d *decl) {
	if !c.kept[d] {
		c.kept[d] = true
		c.queue = append(c.queue, d)
	}
}

func (c *cut) keepRefs(p *pkg, r refs) error {
	for _, ident := range r.idents {
		c.keepName(p, ident)
	}
	for _, s := range r.selects {
		if other := c.pkgs[s.importPath]; other != nil {
			c.keepName(other, s.name)
		} else if err := c.keepWhole(s.importPath); err != nil {
			return err
		}
	}
	return nil
}

// drain keeps what the kept declarations and pieces need.
func (c *cut) drain() error {
	for len(c.queue) > 0 {
		d := c.queue[len(c.queue)-1]
		c.queue = c.queue[:len(c.queue)-1]
		p := d.file.pkg
		if err := c.keepRefs(p, d.refs); err != nil {
			return err
		}
		for _, piece := range d.pieces {
			if c.pieces[piece] {
				if err := c.keepRefs(p, piece.refs); err != nil {
					return err
				}
			}
		}
		if d.isType {
			for _, method := range p.methods[d.names[0]] {
				c.keepDecl(method)
			}
		}
	}
	return nil
}

// keepPieces keeps the pieces whose time has come, and tells whether there were any.
func (c *cut) keepPieces() bool {
	for _, t := range c.sdks.targets {
		for _, p := range c.pkgs[t.path].pieces {
			if !c.pieces[p] && c.wanted(p) {
				c.pieces[p] = true
				c.queue = append(c.queue, p.decl)
			}
		}
	}
	return len(c.queue) > 0
}

// wanted tells whether a piece is to be kept, going by what is kept so far.
func (c *cut) wanted(p *piece) bool {
	if !c.possible(p) {
		return false
	}
	anchored := p.glue != "" || len(c.anchors(p)) > 0
	switch p.kind {
	case constructCase:
		return c.kept[p.decl]
	case blankVariable:
		return anchored || p.calls
	}
	if anchored || len(p.touches) == 0 {
		return true
	}
	// What remains prepares variables for other statements, or looks after them.
	relevant := p.touches
	if len(p.assigns) > 0 {
		relevant = p.assigns
	}
	return slices.ContainsFunc(p.decl.pieces, func(other *piece) bool {
		return c.pieces[other] && slices.ContainsFunc(other.touches, func(local string) bool {
			return slices.Contains(relevant, local)
		})
	})
}

// possible tells whether all that a piece names is kept, or would be if it were.
func (c *cut) possible(p *piece) bool {
	for _, name := range c.anchors(p) {
		if !c.keptName(p.decl.file.pkg, name) {
			return false
		}
	}
	if p.glue != "" && !c.constructsKept(p) {
		return false
	}
	for _, local := range p.touches {
		if !slices.Contains(p.assigns, local) && !c.possibleLocal(p, local) {
			return false
		}
	}
	return true
}

// possibleLocal tells whether a statement before p that writes the local variable can be kept.
func (c *cut) possibleLocal(p *piece, local string) bool {
	for _, other := range p.decl.pieces {
		if other == p {
			break
		}
		if slices.Contains(other.assigns, local) && c.possible(other) {
			return true
		}
	}
	return false
}

// anchors returns the names of the package on which a piece hangs: it goes if one of them does. Unexported functions
// are not among them: they come along, as helpers that it calls.
func (c *cut) anchors(p *piece) []string {
	idents := p.idents
	if p.iface != nil {
		idents = p.iface
	}
	return anchorsAmong(p.decl.file.pkg, idents, func(ident string) bool {
		return ident == p.glue || slices.Contains(p.touches, ident)
	})
}

// anchorsAmong returns those of the identifiers that are anchors, but for some.
func anchorsAmong(p *pkg, idents []string, except func(ident string) bool) []string {
	var names []string
	for _, ident := range idents {
		decls := p.named[ident]
		if len(decls) == 0 || except(ident) {
			continue
		}
		if ast.IsExported(ident) || !decls[0].isFunc {
			names = append(names, ident)
		}
	}
	return names
}

func (c *cut) keptName(p *pkg, name string) bool {
	decls := p.named[name]
	return len(decls) > 0 && c.kept[decls[0]]
}

// constructsKept tells whether the type that a piece registers as a constructor of resources can construct a kept one.
func (c *cut) constructsKept(p *piece) bool {
	in := p.decl.file.pkg
	for _, method := range in.methods[p.glue] {
		if len(method.pieces) > 0 {
			return slices.ContainsFunc(method.pieces, func(one *piece) bool {
				return strings.HasPrefix(one.token, p.token) && c.possible(one)
			})
		}
		isGlue := func(ident string) bool { return ident == p.glue }
		for _, name := range anchorsAmong(in, method.idents, isGlue) {
			if !c.keptName(in, name) {
				return false
			}
		}
	}
	return true
}
