package migration_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"portfolio-infra/internal/migration"
	"portfolio-infra/internal/testfiles"
)

// read reads the migrations of files in the format that they have.
func read(t *testing.T, files map[string]string) migration.Folder {
	t.Helper()
	read, err := migration.Read(testfiles.Folder(t, files), "")
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
