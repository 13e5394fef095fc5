package stack

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"portfolio-infra/internal/testcheck"
)

// plainTexts returns what a state has of the value in plain text.
func plainTexts(v resource.PropertyValue) string {
	switch {
	case v.IsSecret():
	case v.IsOutput():
		return plainTexts(v.OutputValue().Element)
	case v.IsString():
		return v.StringValue() + "\n"
	case v.IsArray():
		var all strings.Builder
		for _, item := range v.ArrayValue() {
			all.WriteString(plainTexts(item))
		}
		return all.String()
	case v.IsObject():
		var all strings.Builder
		for _, member := range v.ObjectValue() {
			all.WriteString(plainTexts(member))
		}
		return all.String()
	}
	return ""
}

// What is secret in the configuration is so in every input of a resource. A value that is not
// has no part in that.
func TestRun_secrets(t *testing.T) {
	for key, value := range map[string]string{
		"vars":               `{"A":"hunter2"}`,
		"secrets":            `{"A":"hunter2"}`,
		"siteVars":           `{"A":"hunter2"}`,
		"siteSecrets":        `{"A":"hunter2"}`,
		"moreBindings":       `{"A":{"service":"hunter2"}}`,
		"databaseUrlOptions": `{"a":"hunter2"}`,
	} {
		for _, secrets := range [][]string{{"portfolio:" + key}, nil} {
			if strings.HasSuffix(key, "ecrets") && secrets == nil {
				continue // refused
			}
			e, err := newAccount(t).run(map[string]string{"portfolio:" + key: value, "portfolio:site": "internal/example/site"}, secrets...)
			testcheck.Error(t, err)
			var plain strings.Builder
			for _, r := range e.registered {
				plain.WriteString(plainTexts(resource.NewProperty(r.Inputs)))
			}
			want := secrets == nil && key != "databaseUrlOptions" // the connection string is always a secret
			if strings.Contains(plain.String(), "hunter2") != want {
				t.Errorf("%s, secret %v: in plain text, or not:\n%s", key, secrets, plain.String())
			}
		}
	}
}
