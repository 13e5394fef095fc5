// Stand-ins for what was left out, so that the compiler's message leads here.
//
// "undefined: cloudflare.DnsRecordArgs" would be a riddle for who finds the name in the SDK's documentation. Every
// dropped type and function that is exported is therefore declared as a constant, and the compiler says: "cannot call
// cloudflare.NewDnsRecord (constant "left out of this copy of the SDK: run make slim" of string type
// cloudflare.RunMakeSlim)", or that this is not a type. Constants are the cheapest stand-ins there are: all of
// Cloudflare's 22,000 cost the compiler 0.4 seconds and 65 MB, less than functions in place of its 1,600 functions
// would, and nothing in the program. A dropped constant or variable might as a constant be converted to the type that
// is wanted, and go unnoticed; its stand-in is a variable of a type that converts to no other.

package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"slices"
)

// droppedFile holds the stand-ins.
const droppedFile = "slim_dropped.go"

// runMakeSlim declares the type that the stand-ins have.
const runMakeSlim = "// RunMakeSlim stands for what this copy of the SDK lacks. It holds only what the program used when it was\n" +
	"// cut. If the compiler led you here, run `make slim`: it cuts the copy anew.\n" +
	"type RunMakeSlim string\n"

// renderDropped returns the file of stand-ins of a package.
func (c *cut) renderDropped(p *pkg) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(generatedBy(p.target))
	fmt.Fprintf(&b, "package %s\n\n%s", p.name, runMakeSlim)
	var constants, variables bytes.Buffer
	for _, name := range c.exportedDropped(p) {
		d := p.named[name][0]
		switch {
		case !d.isFunc && !d.isType:
			fmt.Fprintf(&variables, "%s struct{ RunMakeSlim }\n", name)
		case constants.Len() == 0:
			fmt.Fprintf(&constants, "%s RunMakeSlim = %q\n", name, "left out of this copy of the SDK: run make slim")
		default:
			fmt.Fprintf(&constants, "%s\n", name)
		}
	}
	if constants.Len() > 0 {
		fmt.Fprintf(&b, "\nconst (\n%s)\n", &constants)
	}
	if variables.Len() > 0 {
		fmt.Fprintf(&b, "\nvar (\n%s)\n", &variables)
	}
	return format.Source(b.Bytes())
}

// exportedDropped returns the exported names of the package that are not kept, sorted.
func (c *cut) exportedDropped(p *pkg) []string {
	var names []string
	for name := range p.named {
		if ast.IsExported(name) && !c.keptName(p, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
