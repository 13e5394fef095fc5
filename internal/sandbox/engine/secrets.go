package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// secretSignature marks a secret in a state.
// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/resource/sig/sig.go
const (
	signatureKey    = "4dabf18193072939515e22adb298388d"
	secretSignature = "1b47061264138c4ac30d75fd1eb44270"
)

// Secrets returns every text that is a secret, or part of one, in the stack's state. There are
// none before the first up.
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
	collectSecrets(deployment, found)
	return slices.Sorted(maps.Keys(found)), nil
}

// collectSecrets adds the texts within the secrets of a state.
func collectSecrets(value any, found map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		if v[signatureKey] == secretSignature {
			plaintext, _ := v["plaintext"].(string)
			collectTexts(plaintext, found)
			return
		}
		for _, member := range v {
			collectSecrets(member, found)
		}
	case []any:
		for _, item := range v {
			collectSecrets(item, found)
		}
	}
}

// collectTexts adds the texts within a JSON document. A text may itself be a document, such as
// the request of a command.
func collectTexts(document string, found map[string]bool) {
	var value any
	if json.Unmarshal([]byte(document), &value) != nil {
		return
	}
	var add func(any)
	add = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, member := range v {
				add(member)
			}
		case []any:
			for _, item := range v {
				add(item)
			}
		case string:
			found[v] = true
			if strings.HasPrefix(v, "{") {
				collectTexts(v, found)
			}
		}
	}
	add(value)
}
