package stack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-cloudflare/sdk/v6/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	cfapi "portfolio-infra/internal/cloudflare"
)

// An upload sets all of a Worker's settings, so it takes those away that it does not name.
// The config has only some of them. The others are taken over from the Worker: they are
// inputs as long as it has them. So a change by hand causes one more upload, and stays.
//
// What the Worker does not have is left out, and so is what an upload gives by default.
// Otherwise the provider would compare it with its defaults, and a refresh would find a
// difference.
// https://github.com/cloudflare/terraform-provider-cloudflare/blob/v5.19.1/internal/services/workers_script/schema.go

// takenOver are the inputs that are taken over. Of observability that is all but enabled.
var takenOver = []resource.PropertyKey{"limits", "logpush", "observability", "placement", "tailConsumers", "usageModel"}

// takeOver adds the settings of the Worker, if there is one, that the config does not have.
func takeOver(in *cloudflare.WorkersScriptArgs, observed bool, worker *foundWorker) {
	var found cfapi.ScriptSettings
	if worker != nil {
		found = worker.ScriptSettings
	}
	if l := found.Limits; l != (cfapi.Limits{}) {
		in.Limits = &cloudflare.WorkersScriptLimitsArgs{CpuMs: unless(0, l.CPUMs, pulumi.IntPtr), Subrequests: unless(0, l.Subrequests, pulumi.IntPtr)}
	}
	in.Logpush = unless(false, found.Logpush, pulumi.BoolPtr)
	if found.Placement.Mode == placementSmart {
		in.Placement = &cloudflare.WorkersScriptPlacementArgs{Mode: pulumi.String(placementSmart)}
	}
	if len(found.TailConsumers) > 0 {
		in.TailConsumers = tailConsumers(found.TailConsumers)
	}
	if found.UsageModel != "" && found.UsageModel != "standard" {
		in.UsageModel = pulumi.String(found.UsageModel)
	}
	in.Observability = observability(observed, found.Observability)
}

// placementSmart is the only mode that the provider can set: what the others need is
// computed in its schema.
const placementSmart = "smart"

// unless returns an input, or none for the value that an upload without it gives.
func unless[T comparable, I any](def, v T, input func(T) I) (none I) {
	if v == def {
		return none
	}
	return input(v)
}

// tailConsumers returns a set in an order that does not change.
func tailConsumers(found []cfapi.TailConsumer) (all cloudflare.WorkersScriptTailConsumerArray) {
	for _, c := range slices.SortedFunc(slices.Values(found), func(a, b cfapi.TailConsumer) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Environment, b.Environment), strings.Compare(a.Namespace, b.Namespace))
	}) {
		all = append(all, cloudflare.WorkersScriptTailConsumerArgs{
			Service: pulumi.String(c.Service), Environment: unless("", c.Environment, pulumi.StringPtr), Namespace: unless("", c.Namespace, pulumi.StringPtr),
		})
	}
	return all
}

// observability returns the wanted observability: whether it is on, by the config, and its
// details, by the Worker.
func observability(on bool, found *cfapi.Observability) *cloudflare.WorkersScriptObservabilityArgs {
	o := &cloudflare.WorkersScriptObservabilityArgs{Enabled: pulumi.Bool(on)}
	if found == nil {
		return o
	}
	o.HeadSamplingRate = pointer(found.HeadSamplingRate, pulumi.Float64Ptr)
	if l := found.Logs; l != nil {
		enabled := l.Enabled
		if enabled == found.Enabled {
			enabled = on // they follow it
		}
		o.Logs = &cloudflare.WorkersScriptObservabilityLogsArgs{
			Enabled:          pulumi.Bool(enabled),
			InvocationLogs:   pulumi.Bool(l.InvocationLogs == nil || *l.InvocationLogs),
			HeadSamplingRate: pointer(l.HeadSamplingRate, pulumi.Float64Ptr),
			Destinations:     texts(l.Destinations),
			Persist:          unless(true, l.Persist == nil || *l.Persist, pulumi.BoolPtr),
		}
	}
	if t := found.Traces; t != nil && (t.Enabled != nil || t.HeadSamplingRate != nil || len(t.Destinations) > 0 || t.Persist != nil) {
		o.Traces = &cloudflare.WorkersScriptObservabilityTracesArgs{
			Enabled:          pointer(t.Enabled, pulumi.BoolPtr),
			HeadSamplingRate: pointer(t.HeadSamplingRate, pulumi.Float64Ptr),
			Destinations:     texts(t.Destinations),
			Persist:          unless(true, t.Persist == nil || *t.Persist, pulumi.BoolPtr),
		}
	}
	return o
}

// pointer returns an input, or none for nil.
func pointer[T, I any](v *T, input func(T) I) (none I) {
	if v == nil {
		return none
	}
	return input(*v)
}

func texts(all []string) pulumi.StringArrayInput {
	if len(all) == 0 {
		return nil
	}
	return pulumi.ToStringArray(all)
}

// sayTakenOver says which settings an update takes over, and warns of those that the
// provider cannot set.
func sayTakenOver(ctx *pulumi.Context, worker string, found cfapi.ScriptSettings, before, now resource.PropertyMap) error {
	var names []string
	for _, key := range takenOver {
		if !detailsOf(before, key).DeepEquals(detailsOf(now, key)) {
			names = append(names, string(key))
		}
	}
	if len(names) > 0 {
		if err := ctx.Log.Info(fmt.Sprintf("settings of the Worker %q were changed elsewhere, and this update takes them over: %s",
			worker, strings.Join(names, ", ")), nil); err != nil {
			return err
		}
	}
	if lost := unsettable(found); len(lost) > 0 {
		return ctx.Log.Warn(fmt.Sprintf("the Worker %q has settings that the Cloudflare provider cannot set, and this update may remove them: %s; "+
			"look at them after it", worker, strings.Join(lost, ", ")), nil)
	}
	return nil
}

// detailsOf returns an input without what the config says of it.
func detailsOf(inputs resource.PropertyMap, key resource.PropertyKey) resource.PropertyValue {
	v := unwrap(inputs[key])
	if key != "observability" {
		return v
	}
	details, _ := v.V.(resource.PropertyMap)
	details = maps.Clone(details)
	delete(details, "enabled")
	return resource.NewProperty(details)
}

// unsettable names settings of a Worker that the provider's schema does not have.
func unsettable(s cfapi.ScriptSettings) (names []string) {
	o := cmp.Or(s.Observability, &cfapi.Observability{})
	for name, set := range map[string]bool{
		"placement (" + s.Placement.Mode + ")": !slices.Contains([]string{"", "off", placementSmart}, s.Placement.Mode),
		"tags":                                 len(s.Tags) > 0,
		"streaming_tail_consumers":             len(s.StreamingTailConsumers) > 0,
		"observability.redact_query_string":    o.RedactQueryString,
		"observability.traces.propagation_policy": o.Traces != nil &&
			o.Traces.PropagationPolicy != "",
	} {
		if set {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
