package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// secretSignature marks a secret in a state.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/resource/sig/sig.go
const (
	signatureKey    = "4dabf18193072939515e22adb298388d"
	secretSignature = "1b47061264138c4ac30d75fd1eb44270"
)

// Secrets returns every text that is a secret in the stack's state, or part of one. There
// are none before the first up.
func (e *Engine) Secrets(ctx context.Context) ([]string, error) {
	if _, err := os.Stat(e.checkpoint()); err != nil {
		return nil, nil
	}
	text, err := e.Command(ctx, "stack", "export", "--show-secrets")
	if err != nil {
		return nil, err
	}
	var export apitype.UntypedDeployment
	var deployment any
	err = json.Unmarshal([]byte(text), &export)
	if err == nil {
		err = json.Unmarshal(export.Deployment, &deployment)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the exported state: %w", err)
	}
	found := map[string]bool{}
	collectSecrets(deployment, false, found)
	return slices.Sorted(maps.Keys(found)), nil
}

// collectSecrets adds the texts within a value. A text may hold JSON, as a secret does and
// as the request of a command does.
func collectSecrets(value any, secret bool, found map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		secret = secret || v[signatureKey] == secretSignature
		for _, member := range v {
			collectSecrets(member, secret, found)
		}
	case []any:
		for _, item := range v {
			collectSecrets(item, secret, found)
		}
	case string:
		if !secret || found[v] {
			return
		}
		found[v] = true
		var inner any
		if json.Unmarshal([]byte(v), &inner) == nil {
			collectSecrets(inner, true, found)
		}
	}
}
