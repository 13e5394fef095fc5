package cloudflare

import (
	"maps"
	"net/http"
)

// CheckStart makes the Cloud start each uploaded Worker, and the Functions of each deployment,
// with their variables, as Cloudflare does. start returns the message of what the code throws,
// or "". Every start succeeds without CheckStart, and for code with a secret whose value is
// not known ([Cloud.Reveal]).
func (c *Cloud) CheckStart(start func(code Worker, vars map[string]string) (thrown string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = start
}

// throws returns the message of what code throws as it starts, or "".
func (c *Cloud) throws(code Worker, config Config) string {
	if c.start == nil {
		return ""
	}
	vars := maps.Clone(config.Vars)
	for name, secret := range config.Secrets {
		value, ok := c.values[secret]
		if !ok {
			return ""
		}
		vars[name] = value
	}
	return c.start(code, vars)
}

// checkStart refuses a Worker that throws as it starts.
// https://github.com/cloudflare/wrangler-legacy/issues/2156
func (c *Cloud) checkStart(v version) error {
	if thrown := c.throws(v.worker(), v.config()); thrown != "" {
		return refuse(http.StatusBadRequest, 10021, "%s", thrown)
	}
	return nil
}

// startFailure returns the last line of the log of a deployment whose Functions throw as
// they start, or "".
// https://github.com/miantiao-me/Sink/issues/165
func (c *Cloud) startFailure(functions Worker, config map[string]any) string {
	functions.inherit(config)
	if thrown := c.throws(functions, snapshotConfig(config)); thrown != "" {
		return "Failed to publish your Function. Got error: " + thrown
	}
	return ""
}
