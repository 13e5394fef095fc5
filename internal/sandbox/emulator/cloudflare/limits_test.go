package cloudflare

import (
	"encoding/base64"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// Limits whose requests would take seconds to read.
func TestLimits(t *testing.T) {
	item := uploadItem{Key: strings.Repeat("0", 32), Base64: true, Value: make([]byte, maxAsset)}
	testcheck.Error(t, item.check())
	item.Value = append(item.Value, 0)
	testcheck.Error(t, item.check(), "413 ", "at most 25 MiB")
	if maxBody < base64.StdEncoding.EncodedLen(maxAsset)+1<<20 {
		t.Error("the largest file is more than a body may have")
	}
	_, _, err := readWorkerBundle(make([]byte, maxWorkerBundle+1))
	testcheck.Error(t, err, "_worker.bundle: has 26214401 bytes")
}
