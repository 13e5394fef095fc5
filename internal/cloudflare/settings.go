package cloudflare

// ScriptSettings are the settings of a Worker that people change in the dashboard or by wrangler,
// besides its bindings and its compatibility. For what is not set the API returns nothing, null
// or an empty object.
// https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/settings/methods/get/
type ScriptSettings struct {
	Limits        Limits         `json:"limits"`
	Logpush       bool           `json:"logpush"`
	Observability *Observability `json:"observability"`
	Placement     Placement      `json:"placement"`
	TailConsumers []TailConsumer `json:"tail_consumers"`
	UsageModel    string         `json:"usage_model"`
	// Only some clients set Tags and StreamingTailConsumers.
	Tags                   []string `json:"tags"`
	StreamingTailConsumers []any    `json:"streaming_tail_consumers"`
}

// Limits of a Worker. 0 means the limit of the plan.
type Limits struct {
	CPUMs       int `json:"cpu_ms"`
	Subrequests int `json:"subrequests"`
}

// Placement is where a Worker runs. It lacks the status, which Cloudflare changes.
type Placement struct {
	Mode string `json:"mode"`
}

// TailConsumer is a Worker that gets the logs of another.
type TailConsumer struct {
	Service     string `json:"service"`
	Environment string `json:"environment"`
	Namespace   string `json:"namespace"`
}

// Observability of a Worker. A nil field is not set.
type Observability struct {
	Enabled           bool     `json:"enabled"`
	HeadSamplingRate  *float64 `json:"head_sampling_rate"`
	RedactQueryString bool     `json:"redact_query_string"`
	Logs              *Logs    `json:"logs"`
	Traces            *Traces  `json:"traces"`
}

// Logs is the part of [Observability] about logs.
type Logs struct {
	Enabled          bool     `json:"enabled"`
	InvocationLogs   *bool    `json:"invocation_logs"`
	HeadSamplingRate *float64 `json:"head_sampling_rate"`
	Destinations     []string `json:"destinations"`
	Persist          *bool    `json:"persist"`
}

// Traces is the part of [Observability] about traces.
type Traces struct {
	Enabled           *bool    `json:"enabled"`
	HeadSamplingRate  *float64 `json:"head_sampling_rate"`
	Destinations      []string `json:"destinations"`
	Persist           *bool    `json:"persist"`
	PropagationPolicy string   `json:"propagation_policy"`
}
