// Package tidbcloudtest makes calls of an emulated TiDB Cloud, for the tests of its clients.
package tidbcloudtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// Call does by hand what a client under test does not: it makes a call of a path below /v1beta1
// with the Cloud's key, and returns the answer. It fails the test if the call is refused.
func Call(t testing.TB, cloud *tidbcloud.Cloud, method, path, body string) (answer map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "https://tidbcloud.test/v1beta1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	key := &digest.Transport{Username: cloud.PublicKey, Password: cloud.PrivateKey, Transport: resttest.Transport(cloud)}
	response, err := key.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %v, %v", method, path, response.StatusCode, answer, err)
	}
	return answer
}
