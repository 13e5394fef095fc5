package tidbcloud_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/rest/resttest"
	emulated "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/tidbcloud"
)

// The contract is what the client relies on. It holds for the emulator, and, if
// TIDBCLOUD_CONTRACT says so, for the real cloud: "1" reads, "write" also makes a
// free cluster, changes it and deletes it. The keys come from the usual variables.

func TestContract_emulator(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cloud *emulated.Cloud
	}{
		{"usual", &emulated.Cloud{CreateTime: 9 * time.Second}},
		{"ACTIVE at once", &emulated.Cloud{CreateTime: -1, DeleteTime: -1}},
		{"403 after a delete, short nonces", &emulated.Cloud{ForbidAfterDelete: true, NonceLifetime: time.Second}},
		{"few requests", &emulated.Cloud{RateLimit: 15}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.cloud.PublicKey, tt.cloud.PrivateKey = publicKey, privateKey
				c := &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey, Transport: resttest.Transport(tt.cloud)}
				readContract(t, c)
				writeContract(t, c)
			})
		})
	}
}

// Eight goroutines against strict nonce counts.
func TestContract_emulatorConcurrent(t *testing.T) {
	cloud := &emulated.Cloud{PublicKey: publicKey, PrivateKey: privateKey, RateLimit: -1}
	challenges := 0
	c := &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey}
	c.Transport = resttest.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			challenges++ // the client sends one request at a time
		}
		cloud.ServeHTTP(w, r)
	}))
	errs := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 25 {
				_, e := c.ListClusters(context.Background())
				err = errors.Join(err, e)
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if challenges != 1 {
		t.Errorf("%d challenges for 200 calls", challenges)
	}
}

func TestContract_real(t *testing.T) {
	mode := os.Getenv("TIDBCLOUD_CONTRACT")
	if mode == "" {
		t.Skip("set TIDBCLOUD_CONTRACT=1 to read from the real TiDB Cloud, =write to write too")
	}
	c := &tidbcloud.Client{
		PublicKey:     os.Getenv("TIDBCLOUD_PUBLIC_KEY"),
		PrivateKey:    os.Getenv("TIDBCLOUD_PRIVATE_KEY"),
		ServerlessURL: os.Getenv("TIDBCLOUD_SERVERLESS_ENDPOINT"),
		IAMURL:        os.Getenv("TIDBCLOUD_IAM_ENDPOINT"),
		OnWait:        func(_ context.Context, d time.Duration, why string) { t.Logf("%s, waiting %s", why, d) },
	}
	readContract(t, c)
	if mode == "write" {
		writeContract(t, c)
	}
}

func readContract(t *testing.T, c *tidbcloud.Client) {
	ctx := t.Context()
	all, err := c.ListClusters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, listed := range all {
		got, err := c.GetCluster(ctx, listed.ID)
		if err != nil || got.Region == "" || got.DisplayName != listed.DisplayName || !maps.Equal(got.Labels, listed.Labels) {
			t.Errorf("listed %+v, got %+v: %v", listed, got, err)
			continue
		}
		if _, err := c.ListSQLUsers(ctx, listed.ID); err != nil && got.State == tidbcloud.StateActive {
			t.Error(err)
		}
	}
	if _, err := c.GetCluster(ctx, "10000000000000000000"); !rest.StatusIs(err, 404) {
		t.Errorf("a missing cluster: %v", err)
	}
	stranger := &tidbcloud.Client{PublicKey: c.PublicKey, PrivateKey: "wrong", ServerlessURL: c.ServerlessURL, Transport: c.Transport}
	if _, err := stranger.ListClusters(ctx); !rest.StatusIs(err, 401) {
		t.Errorf("wrong keys: %v", err)
	}
}

func writeContract(t *testing.T, c *tidbcloud.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	const label = "pulumi.com/owner"
	owner := fmt.Sprintf("contract.%d", time.Now().UnixNano())
	region := cmp.Or(os.Getenv("TIDBCLOUD_CONTRACT_REGION"), "regions/aws-us-east-1")

	made, err := c.CreateCluster(ctx, tidbcloud.CreateClusterRequest{DisplayName: "contract-test", Region: region, Labels: map[string]string{label: owner}})
	if err != nil {
		t.Fatal(err)
	}
	deleted := false
	defer func() {
		if !deleted {
			if err := c.DeleteCluster(context.WithoutCancel(ctx), made.ID); err != nil {
				t.Errorf("cluster %s is left: %v", made.ID, err)
			}
		}
	}()
	all, err := c.ListClusters(ctx)
	if err != nil || !slices.ContainsFunc(all, func(x tidbcloud.Cluster) bool { return x.ID == made.ID && x.Labels[label] == owner }) {
		t.Errorf("the new cluster is not listed with its label: %v", err)
	}
	start := time.Now()
	live, err := c.WaitUntilConnectable(ctx, made.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("connectable after %s: %s:%d, prefix %s", time.Since(start), live.Host, live.Port, live.UserPrefix)
	if live.Region != region || live.DisplayName != "contract-test" || live.Labels[label] != owner || live.CreateTime == "" {
		t.Errorf("made %+v", live)
	}

	labels := maps.Clone(live.Labels)
	labels["team"] = "web"
	network := []tidbcloud.Network{{DisplayName: "test", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}}
	for _, err := range []error{
		c.RenameCluster(ctx, made.ID, "contract-test-2"),
		c.SetClusterLabels(ctx, made.ID, labels),
		c.SetAuthorizedNetworks(ctx, made.ID, network),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	live, err = c.WaitUntilConnectable(ctx, made.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if live.DisplayName != "contract-test-2" || !maps.Equal(live.Labels, labels) || !slices.Equal(live.Networks, network) {
		t.Errorf("updated to %+v", live)
	}

	usersContract(t, ctx, c, live)

	if err := c.DeleteCluster(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	deleted = true
	if err := c.WaitUntilGone(ctx, made.ID, nil); err != nil {
		t.Error(err)
	}
	if err := c.DeleteCluster(ctx, made.ID); err != nil && !rest.StatusIs(err, 404, 403) {
		t.Errorf("a second delete: %v", err)
	}
}

func usersContract(t *testing.T, ctx context.Context, c *tidbcloud.Client, live *tidbcloud.Cluster) {
	full := tidbcloud.FullName(live.UserPrefix, "api")
	if u, err := c.FindSQLUser(ctx, live.ID, full); u != nil || err != nil {
		t.Errorf("a user that nobody made: %+v, %v", u, err)
	}
	made, err := c.CreateSQLUser(ctx, live.ID, tidbcloud.CreateSQLUserRequest{Name: "api", Password: "first-Password-1", Role: tidbcloud.RoleReadWrite})
	if err != nil {
		t.Error(err)
		return
	}
	if made.FullName != full {
		t.Errorf("made %+v", made)
	}
	if _, err := c.CreateSQLUser(ctx, live.ID, tidbcloud.CreateSQLUserRequest{Name: "api", Password: "first-Password-1", Role: tidbcloud.RoleReadWrite}); err == nil || rest.Ambiguous(err) {
		t.Errorf("the same user again: %v", err)
	}
	for _, role := range []tidbcloud.Role{tidbcloud.RoleReadWrite, tidbcloud.RoleReadOnly, tidbcloud.RoleAdmin, tidbcloud.RoleReadWrite} {
		if err := c.UpdateSQLUser(ctx, live.ID, full, tidbcloud.UpdateSQLUserRequest{Role: role, Password: "second-Password-2"}); err != nil {
			t.Error(err)
		}
		if u, err := c.FindSQLUser(ctx, live.ID, full); err != nil || u == nil || u.Role != role {
			t.Errorf("%s: %+v, %v", role, u, err)
		}
	}
	if err := c.DeleteSQLUser(ctx, live.ID, full); err != nil {
		t.Error(err)
	}
	if u, err := c.FindSQLUser(ctx, live.ID, full); u != nil || err != nil {
		t.Errorf("a deleted user: %+v, %v", u, err)
	}
}
