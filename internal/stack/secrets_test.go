package stack

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// plainTexts returns what a state has of the value in plain text.
func plainTexts(v resource.PropertyValue) (all string) {
	switch {
	case v.IsSecret():
	case v.IsOutput():
		return plainTexts(v.OutputValue().Element)
	case v.IsString():
		return v.StringValue() + "\n"
	case v.IsArray():
		for _, item := range v.ArrayValue() {
			all += plainTexts(item)
		}
	case v.IsObject():
		for _, member := range v.ObjectValue() {
			all += plainTexts(member)
		}
	}
	return all
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
			a := newAccount(t)
			a.secrets = secrets
			plain := ""
			for _, inputs := range a.up(map[string]string{key: value, "site": "internal/example/site"}) {
				plain += plainTexts(resource.NewProperty(inputs))
			}
			want := secrets == nil && key != "databaseUrlOptions" // the connection string is always a secret
			if strings.Contains(plain, "hunter2") != want {
				t.Errorf("%s, secret %v: in plain text, or not:\n%s", key, secrets, plain)
			}
		}
	}
}
