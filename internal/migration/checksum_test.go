package migration_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"portfolio-infra/internal/migration"
)

func TestMigration_Matches(t *testing.T) {
	const text = "SELECT 1;\nSELECT 2;\n"
	sum := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	for _, written := range []string{text, crlf} {
		f := read(t, map[string]string{"migration_lock.toml": `provider = "mysql"`, "1_a/migration.sql": written})
		for _, other := range []string{text, crlf} {
			if !f.Migrations[0].Matches(sum(other)) {
				t.Errorf("%q does not match %q", written, other)
			}
		}
		if f.Migrations[0].Matches(sum("SELECT 1;\n")) || f.Migrations[0].Matches("") {
			t.Errorf("%q matches anything", written)
		}
	}
	// A row of our own table has no text.
	if m := (migration.Migration{Checksum: sum(text)}); !m.Matches(sum(text)) || m.Matches(sum("")) {
		t.Error("a checksum alone")
	}
}
