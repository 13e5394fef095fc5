package cloudflare

import (
	"encoding/base64"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// Limits whose requests would take seconds.
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
	many := &project{Deployments: make([]deployment, maxDeployments+1)}
	_, err = deleteProject(nil, many)
	testcheck.Error(t, err, "400 ", "8000076", "too many deployments to be deleted")
	many.Deployments = many.Deployments[1:]
	_, err = deleteProject(&call{state: &state{}}, many)
	testcheck.Error(t, err)
}
