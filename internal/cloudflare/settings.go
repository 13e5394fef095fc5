package cloudflare

// ScriptSettings are a Worker's settings beside its bindings and its compatibility: those
// that are changed in the dashboard or by wrangler. The API leaves out what is not set, or
// answers null or an empty object.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/settings/methods/get/
type ScriptSettings struct {
	Limits        Limits         `json:"limits"`
	Logpush       bool           `json:"logpush"`
	Observability *Observability `json:"observability"`
	Placement     Placement      `json:"placement"`
	TailConsumers []TailConsumer `json:"tail_consumers"`
	UsageModel    string         `json:"usage_model"`
	// Tags and StreamingTailConsumers are set by some clients only.
	Tags                   []string `json:"tags"`
	StreamingTailConsumers []any    `json:"streaming_tail_consumers"`
}

// Limits of a Worker; 0 is that of the plan.
type Limits struct {
	CPUMs       int `json:"cpu_ms"`
	Subrequests int `json:"subrequests"`
}

// Placement of a Worker: where it runs. Its status is left out, which Cloudflare changes.
type Placement struct {
	Mode string `json:"mode"`
}

// TailConsumer is a Worker that gets the logs of another one.
type TailConsumer struct {
	Service     string `json:"service"`
	Environment string `json:"environment"`
	Namespace   string `json:"namespace"`
}

// Observability of a Worker. Nil is not set.
type Observability struct {
	Enabled           bool     `json:"enabled"`
	HeadSamplingRate  *float64 `json:"head_sampling_rate"`
	RedactQueryString bool     `json:"redact_query_string"`
	Logs              *Logs    `json:"logs"`
	Traces            *Traces  `json:"traces"`
}

// Logs are the part of a Worker's [Observability] that has its logs.
type Logs struct {
	Enabled          bool     `json:"enabled"`
	InvocationLogs   *bool    `json:"invocation_logs"`
	HeadSamplingRate *float64 `json:"head_sampling_rate"`
	Destinations     []string `json:"destinations"`
	Persist          *bool    `json:"persist"`
}

// Traces are the part of a Worker's [Observability] that has its traces.
type Traces struct {
	Enabled           *bool    `json:"enabled"`
	HeadSamplingRate  *float64 `json:"head_sampling_rate"`
	Destinations      []string `json:"destinations"`
	Persist           *bool    `json:"persist"`
	PropagationPolicy string   `json:"propagation_policy"`
}
