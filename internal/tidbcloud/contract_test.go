package tidbcloud_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest"
	emulated "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/testcheck"
	"portfolio-infra/internal/tidbcloud"
)

// The contract is what the client relies on. It is tested against the emulator, and against the real
// cloud if TIDBCLOUD_CONTRACT is "1", which only reads, or "write", which also creates, changes and
// deletes a free cluster. The keys come from the usual variables.

func TestContract_emulator(t *testing.T) {
	for name, cloud := range map[string]*emulated.Cloud{
		"usual":                            {CreateTime: 9 * time.Second},
		"ACTIVE at once":                   {CreateTime: -1, DeleteTime: -1},
		"403 after a delete, short nonces": {ForbidAfterDelete: true, NonceLifetime: time.Second},
		"few requests":                     {RateLimit: 15},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud.PublicKey, cloud.PrivateKey = publicKey, privateKey
				c := clientOf(cloud)
				readContract(t, c)
				writeContract(t, c)
			})
		})
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
		OnWait:        func(_ context.Context, d time.Duration, reason string) { t.Logf("waiting %s: %s", d, reason) },
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
	wrong := &tidbcloud.Client{PublicKey: c.PublicKey, PrivateKey: "wrong", ServerlessURL: c.ServerlessURL, Transport: c.Transport}
	if _, err := wrong.ListClusters(ctx); !rest.StatusIs(err, 401) {
		t.Errorf("wrong keys: %v", err)
	}
}

func writeContract(t *testing.T, c *tidbcloud.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	const label = "pulumi.com/owner"
	owner := fmt.Sprintf("contract.%d", time.Now().UnixNano())
	region := cmp.Or(os.Getenv("TIDBCLOUD_CONTRACT_REGION"), "regions/aws-us-east-1")

	created, err := c.CreateCluster(ctx, tidbcloud.Cluster{DisplayName: "contract-test", Region: region, Labels: map[string]string{label: owner}})
	if err != nil {
		t.Fatal(err)
	}
	id := created.ID
	defer func() { // a second delete, unless the test ended early
		if err := c.DeleteCluster(context.WithoutCancel(ctx), id); err != nil && !rest.StatusIs(err, 404, 403) {
			t.Errorf("cluster %s still exists: %v", id, err)
		}
	}()
	all, err := c.ListClusters(ctx)
	if err != nil || !slices.ContainsFunc(all, func(x tidbcloud.Cluster) bool { return x.ID == id && x.Labels[label] == owner }) {
		t.Errorf("the new cluster is not listed with its label: %v", err)
	}
	start := time.Now()
	live, err := c.WaitUntilConnectable(ctx, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("connectable after %s: %s:%d, prefix %s", time.Since(start), live.Host, live.Port, live.UserPrefix)
	if live.Region != region || live.DisplayName != "contract-test" || live.Labels[label] != owner || live.CreateTime == "" {
		t.Errorf("created %+v", live)
	}

	labels := maps.Clone(live.Labels)
	labels["team"] = "web"
	network := []tidbcloud.Network{{DisplayName: "test", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}}
	err = errors.Join(c.RenameCluster(ctx, id, "contract-test-2"), c.SetClusterLabels(ctx, id, labels), c.SetAuthorizedNetworks(ctx, id, network))
	live, waitErr := c.WaitUntilConnectable(ctx, id, nil)
	if err := errors.Join(err, waitErr); err != nil {
		t.Fatal(err)
	}
	if live.DisplayName != "contract-test-2" || !maps.Equal(live.Labels, labels) || !slices.Equal(live.Networks, network) {
		t.Errorf("updated to %+v", live)
	}

	sqlUserContract(ctx, t, c, live)
	branchContract(ctx, t, c, live)

	testcheck.Error(t, errors.Join(c.DeleteCluster(ctx, id), c.WaitUntilGone(ctx, id, nil)))
}

func branchContract(ctx context.Context, t *testing.T, c *tidbcloud.Client, parent *tidbcloud.Cluster) {
	const annotation, owner = "pulumi.com/owner", "contract.branch"
	want := tidbcloud.Branch{DisplayName: "contract-branch", Annotations: map[string]string{annotation: owner}}
	created, err := c.CreateBranch(ctx, parent.ID, want, "first-Password-1")
	if err != nil {
		t.Error(err)
		return
	}
	defer func() {
		if err := errors.Join(c.DeleteBranch(ctx, parent.ID, created.ID), c.WaitUntilBranchGone(ctx, parent.ID, created.ID, nil)); err != nil {
			t.Errorf("branch %s still exists: %v", created, err)
		}
		if left, err := c.ListBranches(ctx, parent.ID); err != nil || slices.ContainsFunc(left, func(b tidbcloud.Branch) bool { return b.ID == created.ID }) {
			t.Errorf("left: %v, %v", left, err)
		}
	}()
	live, err := c.WaitUntilBranchConnectable(ctx, parent.ID, created.ID, nil)
	if err != nil {
		t.Error(err)
		return
	}
	if live.DisplayName != want.DisplayName || live.Annotations[annotation] != owner || live.UserPrefix == parent.UserPrefix || live.CreateTime == "" {
		t.Errorf("created %+v", live)
	}
	if all, err := c.ListBranches(ctx, parent.ID); err != nil || !slices.ContainsFunc(all, func(b tidbcloud.Branch) bool { return b.ID == created.ID }) {
		t.Errorf("the branch is not listed: %v, %v", all, err)
	}
	testcheck.Error(t, c.ResetBranch(ctx, parent.ID, created.ID))
	again, err := c.WaitUntilBranchConnectable(ctx, parent.ID, created.ID, nil)
	if err != nil || again.UserPrefix != live.UserPrefix || again.Annotations[annotation] != owner {
		t.Errorf("reset to %+v: %v", again, err)
	}
	testcheck.Error(t, c.SetBranchPassword(ctx, parent.ID, created.ID, tidbcloud.FullName(live.UserPrefix, "root"), "second-Password-2"))
}

func sqlUserContract(ctx context.Context, t *testing.T, c *tidbcloud.Client, live *tidbcloud.Cluster) {
	full := tidbcloud.FullName(live.UserPrefix, "api")
	check := func(when string, want tidbcloud.Role) {
		t.Helper()
		u, err := c.FindSQLUser(ctx, live.ID, full)
		if err != nil || (u == nil) != (want == "") || u != nil && u.Role != want {
			t.Errorf("%s: %+v, %v, want role %q", when, u, err, want)
		}
	}
	check("at first", "")
	req := tidbcloud.CreateSQLUserRequest{Name: "api", Password: "first-Password-1", Role: tidbcloud.RoleReadWrite}
	if u, err := c.CreateSQLUser(ctx, live.ID, req); err != nil || u.FullName != full {
		t.Errorf("created %+v, %v", u, err)
		return
	}
	if _, err := c.CreateSQLUser(ctx, live.ID, req); err == nil || rest.Ambiguous(err) {
		t.Errorf("the same user again: %v", err)
	}
	for _, role := range []tidbcloud.Role{tidbcloud.RoleReadWrite, tidbcloud.RoleReadOnly, tidbcloud.RoleAdmin, tidbcloud.RoleReadWrite} {
		testcheck.Error(t, c.UpdateSQLUser(ctx, live.ID, full, tidbcloud.UpdateSQLUserRequest{Role: role, Password: "second-Password-2"}))
		check("updated", role)
	}
	testcheck.Error(t, c.DeleteSQLUser(ctx, live.ID, full))
	check("deleted", "")
}
