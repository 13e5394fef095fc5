// Package pulumi stands in for Pulumi's Go SDK: just enough of it for the SDK in ../../../toy to compile, and a runtime
// that can be asked what was registered with it.
package pulumi

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

type Context struct{}

func (*Context) RegisterResource(typ, name string, args Input, r Resource) error { return nil }

func (*Context) ReadResource(typ, name string, args Input, r Resource) error { return nil }

func (*Context) Invoke(tok string, args, result any) error { return nil }

func (*Context) InvokeOutput(tok string, args any, o Output) Output { return o }

type Resource interface{ resource() }

type CustomResourceState struct{}

func (*CustomResourceState) resource() {}

type ProviderResourceState struct{ CustomResourceState }

type Input interface{ ElementType() reflect.Type }

type Output interface {
	Input
	ApplyT(any) Output
}

type OutputState struct{}

func (*OutputState) ApplyT(any) Output { return AnyOutput{} }

type AnyOutput struct{ *OutputState }

func (AnyOutput) ElementType() reflect.Type { return reflect.TypeFor[any]() }

type StringOutput struct{ *OutputState }

func (StringOutput) ElementType() reflect.Type { return reflect.TypeFor[string]() }

type StringInput interface{ Input }

type String string

func (String) ElementType() reflect.Type { return reflect.TypeFor[string]() }

func ToOutputWithContext(context.Context, any) Output { return AnyOutput{} }

type ResourceModule interface {
	Version() string
	Construct(ctx *Context, name, typ, urn string) (Resource, error)
}

type ResourcePackage interface {
	Version() string
	ConstructProvider(ctx *Context, name, typ, urn string) (Resource, error)
}

var (
	registered []string
	modules    = make(map[string]ResourceModule)
	packages   = make(map[string]ResourcePackage)
)

func RegisterInputType(t reflect.Type, input Input) {
	if !reflect.TypeOf(input).Implements(t) {
		panic(fmt.Sprintf("%T is no %v", input, t))
	}
	registered = append(registered, fmt.Sprintf("input %s %T", t.Name(), input))
}

func RegisterOutputType(output Output) {
	registered = append(registered, fmt.Sprintf("output %T", output))
}

func RegisterResourceModule(pkg, mod string, m ResourceModule) {
	registered = append(registered, fmt.Sprintf("module %s:%s %s", pkg, mod, m.Version()))
	modules[pkg+":"+mod] = m
}

func RegisterResourcePackage(pkg string, p ResourcePackage) {
	registered = append(registered, fmt.Sprintf("package %s %s", pkg, p.Version()))
	packages[pkg] = p
}

// Registered lists what was registered, sorted.
func Registered() []string {
	slices.Sort(registered)
	return registered
}

// Construct does with a reference to a resource what Pulumi's runtime does.
func Construct(typ string) string {
	if name, ok := strings.CutPrefix(typ, "pulumi:providers:"); ok {
		if p, ok := packages[name]; ok {
			return describe(p.ConstructProvider(nil, "", typ, ""))
		}
		return "a dependency"
	}
	mod := typ[:strings.LastIndex(typ, ":")]
	if m, ok := modules[mod]; ok {
		return describe(m.Construct(nil, "", typ, ""))
	}
	return "a dependency"
}

func describe(r Resource, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%T", r)
}
