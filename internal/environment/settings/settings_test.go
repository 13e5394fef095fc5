package settings

import (
	"testing"

	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/testfiles"
)

func TestRead(t *testing.T) {
	const project = "name: My_Site\nconfig:\n  expireAfterDays: {type: integer, default: 7}\n"
	for name, tt := range map[string]struct {
		project, environment string // no file if empty
		want                 int
		err                  string
	}{
		"default":              {project, "", 7, ""},
		"default, with a file": {project, "config:\n  My_Site:seeds: seeds\n", 7, ""},
		"empty file":           {project, "# nothing\n", 7, ""},
		"set":                  {project, "config:\n  My_Site:expireAfterDays: 3\n", 3, ""},
		"set by pulumi":        {project, "config:\n  My_Site:expireAfterDays: \"3\"\n", 3, ""},
		"set, short":           {project, "config:\n  expireAfterDays: 3\n", 3, ""},
		"of another project":   {project, "config:\n  other:expireAfterDays: 3\n", 7, ""},
		"text":                 {project, "config:\n  My_Site:expireAfterDays: soon\n", 0, "expireAfterDays: soon must be a whole number of days, 1 or more: correct it in Pulumi.pr.yaml"},
		"zero":                 {project, "config:\n  My_Site:expireAfterDays: 0\n", 0, "expireAfterDays: 0 must be"},
		"no default":           {"name: site\n", "", 0, "expireAfterDays"},
		"no name":              {"config: {}\n", "", 0, "Pulumi.yaml has no name"},
		"no project":           {"", "", 0, "reading Pulumi.yaml"},
		"not YAML":             {project, "config: [", 0, "reading Pulumi.pr.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for file, content := range map[string]string{projectFile: tt.project, environmentFile: tt.environment} {
				if content != "" {
					testfiles.Write(t, folder, map[string]string{file: content})
				}
			}
			got, err := Read(folder)
			testcheck.Error(t, err, tt.err)
			if got.ExpireAfterDays != tt.want {
				t.Errorf("%+v", got)
			}
			if err == nil && got.Name(12) != "my-site-pr-12" {
				t.Error(got.Name(12))
			}
		})
	}
}

// An environment has a file of its own, which is a copy of Pulumi.pr.yaml at first.
func TestReadStack(t *testing.T) {
	folder := testfiles.Folder(t, map[string]string{
		projectFile:        "name: site\nconfig:\n  expireAfterDays: {default: 7}\n  migrations: {default: sql}\n  previewData: {default: \"\"}\n",
		environmentFile:    "config:\n  site:migrations: db\n  site:migrationsFormat: goose\n",
		"Pulumi.pr-7.yaml": "config:\n  site:previewData: branch\n  migrationsTable: versions\n",
	})
	for stack, want := range map[string]Settings{
		"pr-7": {Project: "site", ExpireAfterDays: 7, Migrations: "sql", MigrationsTable: "versions", PreviewData: "branch"},
		"pr-8": {Project: "site", ExpireAfterDays: 7, Migrations: "db", MigrationsFormat: "goose"},
	} {
		if got, err := ReadStack(folder, stack); err != nil || got != want {
			t.Errorf("%s: %+v, %v", stack, got, err)
		}
	}
}
