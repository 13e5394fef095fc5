package tidbcloud_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"portfolio-infra/internal/rest/resttest"
	emulated "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

const (
	publicKey  = "PUBLIC1"
	privateKey = "private-0f3a"
)

// clientOf returns a client of an API that is in memory.
func clientOf(h http.Handler) *tidbcloud.Client {
	return &tidbcloud.Client{
		PublicKey: publicKey, PrivateKey: privateKey,
		ServerlessURL: "https://serverless.test/v1beta1/", IAMURL: "https://iam.test/v1beta1",
		Transport: resttest.Transport(h),
	}
}

// respond returns a handler with a response as the APIs send it.
func respond(status int, body string) http.HandlerFunc {
	return resttest.Respond(status, body, "X-Debug-Trace-Id", "trace-1")
}

// emulate returns an emulated TiDB Cloud that accepts the client's key, with clusters that
// are ACTIVE at once.
func emulate() *emulated.Cloud {
	return &emulated.Cloud{PublicKey: publicKey, PrivateKey: privateKey, CreateTime: -1, DeleteTime: -1, RateLimit: -1}
}

func createCluster(t *testing.T, c *tidbcloud.Client) *tidbcloud.Cluster {
	t.Helper()
	cluster, err := c.CreateCluster(t.Context(), tidbcloud.Cluster{DisplayName: "portfolio-db", Region: "regions/aws-us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// decoded returns a JSON object.
func decoded(t *testing.T, body string) map[string]any {
	t.Helper()
	var object map[string]any
	testcheck.Error(t, json.Unmarshal([]byte(body), &object))
	return object
}

// step is what a cluster looks like from some time on.
type step struct {
	from   time.Duration
	status int
	body   string
}

// life returns an API with a cluster that changes over time.
func life(steps ...step) *resttest.API {
	start := time.Now()
	return resttest.NewAPI(func(w http.ResponseWriter, r *http.Request) {
		now := steps[0]
		for _, s := range steps {
			if time.Since(start) >= s.from {
				now = s
			}
		}
		respond(now.status, now.body)(w, r)
	})
}
