package migration_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
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

// wantErr fails the test unless the error has the text. An empty one stands for no error.
func wantErr(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
