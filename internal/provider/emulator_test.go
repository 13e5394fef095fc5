package provider_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// The same against the emulator, which is strict about what it is sent and knows
// nothing of this package.
func TestEmulator_life(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cloud *tidbcloud.Cloud
	}{
		{"usual", &tidbcloud.Cloud{CreateTime: 9 * time.Second}},
		{"ACTIVE at once, 403 after a delete", &tidbcloud.Cloud{CreateTime: -1, ForbidAfterDelete: true}},
		{"few requests, short nonces", &tidbcloud.Cloud{RateLimit: 20, NonceLifetime: 2 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.cloud.PublicKey, tt.cloud.PrivateKey = "PUBLIC1", "private-0f3a"
				with := func(typ tokens.Type) *engine {
					return configured(t, provider.Options{Transport: resttest.Transport(tt.cloud)}, typ,
						map[string]property.Value{"publicKey": property.New("PUBLIC1"), "privateKey": property.New("private-0f3a").WithSecret(true)})
				}
				step := func(e *engine, inputs property.Map, want string) {
					t.Helper()
					op, err := e.up(inputs)
					if op != want || err != nil {
						t.Fatalf("%s instead of %s: %v", op, want, err)
					}
					if op, err := e.up(inputs); op != "same" || err != nil {
						t.Errorf("then %s, %v", op, err)
					}
					if changed, err := e.refresh(); changed || err != nil {
						t.Errorf("a refresh changes %v: %v", e.outputs, err)
					}
				}
				cluster, user := with(clusterType), with(userType)
				full := map[string]any{"labels": map[string]any{"team": "web"}, "spendingLimitMonthly": 500, "projectId": tidbcloud.DefaultProject,
					"authorizedNetworks": []any{network("home", "192.0.2.1", "192.0.2.9"), network("work", "198.51.100.1", "198.51.100.1")}}
				step(cluster, db(full), "create")
				full["displayName"], full["spendingLimitMonthly"] = "another", 900
				step(cluster, db(full), "update")
				step(cluster, db(map[string]any{"labels": map[string]any{"team": "web"}}), "update")
				_, err := cluster.up(db(nil))
				wantErr(t, err, "still has labels that were removed from labels: team;", "remove them in its console, or put them back")
				step(cluster, db(map[string]any{"labels": map[string]any{"team": "web"}}), "same")

				step(user, api(map[string]any{"clusterId": cluster.id}), "create")
				for _, changes := range []map[string]any{{"role": "role_admin"}, {"role": "role_readonly", "rotation": "2"}, {"rotation": "3"}} {
					changes["clusterId"] = cluster.id
					step(user, api(changes), "update")
					if !tt.cloud.CheckPassword(cluster.id, user.out("fullName"), user.out("password")) {
						t.Error("the state's password is not the live one")
					}
				}
				if err := user.delete(); err != nil {
					t.Error(err)
				}
				step(cluster, db(map[string]any{"region": virginia}), "replace")
				err = cluster.delete()
				time.Sleep(time.Minute) // a 403 is as good as gone, a little before it is
				if err != nil || len(tt.cloud.Clusters()) != 0 {
					t.Errorf("%d clusters: %v", len(tt.cloud.Clusters()), err)
				}
			})
		})
	}
}
