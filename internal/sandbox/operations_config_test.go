package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
)

// configCells set, change and remove each optional key, and set it again.
func configCells() (cells []cell) {
	for _, adopt := range []bool{false, true} {
		for _, key := range slices.Sorted(maps.Keys(keyValues)) {
			values := keyValues[key]
			cells = append(cells, cell{
				name: fmt.Sprintf("config key %s, adopt %t", key, adopt), sampled: key == "siteVars" && !adopt,
				asks: asks{project: key == "pagesProject"},
				run: func(c *trial) {
					if adopt {
						c.set(map[string]any{"adopt": "true"})
						c.settle()
					}
					for _, value := range []any{values[0], values[1], nil, values[0]} {
						c.Logf("%s: %v", key, value)
						c.change(key, value)
						c.settle()
						c.converged()
					}
					c.set(map[string]any{"adopt": nil})
				},
			})
		}
	}
	return cells
}

// change sets a key, or takes it out of the file.
func (c *trial) change(key string, value any) {
	if value == nil && slices.Contains([]string{"pagesProject", "worker", "cluster", "site", "migrations"}, key) {
		value = "" // as if Pulumi.dev.yaml had not set it
	}
	if secret, ok := value.(string); ok && (key == "secrets" || key == "siteSecrets") {
		c.secrets[secret] = true
		value = map[string]any{"NAME": c.encrypt(secret)}
	}
	c.set(map[string]any{key: value})
}

// keyValues has two values for each key of Pulumi.yaml.
var keyValues = map[string][2]any{
	"pagesProject": {"portfolio-dev", "portfolio"},
	"worker":       {"portfolio-dev-api", "portfolio-api"},
	"cluster":      {"portfolio-db2", "portfolio-db"},
	"database":     {"second", "third"},
	"sqlUser":      {"app", "web"},
	"domain":       {"www3.example.com", "www4.example.com"},

	"expireAfterDays": {3, 5},
	"zoneId":          {"fedcba9876543210fedcba9876543210", ""},
	"site":            {"internal/example/migrations", "internal/example/site"},
	"workerScript":    {"internal/example/api/index.ts", "internal/sandbox/testdata/worker.js"},
	"siteVars":        {map[string]any{"MODE": "one"}, map[string]any{"OTHER": "two"}},
	"vars":            {map[string]any{"MODE": "one"}, map[string]any{"OTHER": "two"}},
	"moreBindings":    {map[string]any{"SELF": map[string]any{"service": "portfolio-api"}}, map[string]any{"OTHER": map[string]any{"service": theirWorker}}},

	"productionBranch": {"trunk", "main"}, "compatibilityDate": {"2026-01-01", "2026-02-01"}, "compatibilityFlags": {[]any{"nodejs_compat"}, []any{}},
	"observability": {"false", "true"}, "binding": {"API", "BACKEND"}, "previewBinding": {"none", theirWorker}, "workersDev": {"false", "true"},
	"tidbProject": {"1372813089454000001", ""}, "spendingLimit": {"500", "600"}, "rotation": {"1", "2"}, "migrations": {"", "internal/example/migrations"},
	"migrationsFormat": {"goose", ""}, "migrationsTable": {"goose_db_version", ""}, "migrationsBaseline": {"00001_create_projects", ""},
	"databaseUrlOptions": {map[string]any{"ssl": "strict"}, map[string]any{}}, "doppler": {map[string]any{"project": "portfolio", "config": "dev"}, map[string]any{}},
	"functions": {"internal/example/api", ""}, "functionsEnv": {[]any{"MODE"}, []any{}}, "publicFiles": {[]any{".env.example"}, []any{}}, "shrinkSite": {"true", "false"},
	"protect": {"true", "false"}, "overwriteSite": {"true", "false"}, "overwriteWorker": {"true", "false"},
	"siteSecrets": {"recognizable-one", "recognizable-two"}, "secrets": {"recognizable-three", "recognizable-four"},
	"accountId": {cloudflare.DefaultAccountID, ""}, "region": {"regions/aws-ap-northeast-1", "regions/aws-ap-northeast-1"}, "adopt": {"true", "false"},
}

// ofEnvironments are the keys that only an environment takes. TestEnvironment_otherData changes
// them in a living one.
var ofEnvironments = []string{"branchOf", "masks", "previewData", "seeds"}

// Each key of Pulumi.yaml is in the matrix, but for those of environments.
func TestOperations_keys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var project struct{ Config map[string]any }
	if err := yaml.Unmarshal(text, &project); err != nil {
		t.Fatal(err)
	}
	for _, key := range ofEnvironments {
		delete(project.Config, key)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(project.Config)), slices.Sorted(maps.Keys(keyValues))); diff != "" {
		t.Errorf("keys of Pulumi.yaml and of the matrix (-project +matrix):\n%s", diff)
	}
}
