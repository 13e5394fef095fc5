package provider_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/provider"
	"portfolio-infra/internal/testcheck"
)

// A branch has the parent's rows, then both are apart. Nothing waits: the clouds have no delays, and
// outside of a bubble the emulated branch can listen on a socket.
func TestBranch_rows(t *testing.T) {
	c := newCloud()
	c.CreateTime, c.DeleteTime = -1, -1
	s := newSQLServers(t, c, 0)
	c.add("production", tokyo, nil, time.Now().Add(-time.Hour))
	s.run(t, c, "CREATE DATABASE portfolio", "CREATE TABLE portfolio.t (a INT)", "INSERT INTO portfolio.t VALUES (1)")
	e := configured(t, c, provider.Options{Dial: s.dial}, branchType, keys)
	inputs := pr(c.first(), nil)
	root := func() *sql.DB {
		t.Helper()
		db := s.connect(t, e.login("user"), "")
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	want := func(db *sql.DB, what string, want int) {
		t.Helper()
		var got int
		if err := db.QueryRowContext(t.Context(), "SELECT SUM(a) FROM portfolio.t").Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", what, got, err, want)
		}
	}
	parent := s.open(t, c, "portfolio")
	defer parent.Close()

	e.steps(inputs, "create", "same")
	if _, err := root().ExecContext(t.Context(), "INSERT INTO portfolio.t VALUES (10)"); err != nil {
		t.Fatal(err)
	}
	want(root(), "the branch", 11)
	want(parent, "its parent", 1)

	// A run that died after the POST leaves a branch whose password nobody knows.
	e.forget()
	e.steps(inputs, "create", "same")
	want(root(), "the adopted branch", 11)

	e.steps(pr(c.first(), map[string]any{"resetToken": "2"}), "update", "same")
	want(root(), "the branch after a reset", 1)
	e.deletes()
	want(parent, "the parent of the deleted branch", 1)
}

// Somebody gives root another password: a plan says so, and the run sets a new one. Until the new
// one is accepted the run waits.
func TestBranch_password(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.add("production", tokyo, nil, time.Now().Add(-time.Hour))
		accept, refusing := anyLogin, time.Time{}
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			if time.Now().After(refusing) {
				return accept(ctx, network, addr)
			}
			client, server := net.Pipe()
			go func() {
				_, _ = server.Write(packet("\xff\x15\x04#28000Access denied for user")) // 1045
				_ = server.Close()
			}()
			return client, nil
		}
		e := configured(t, c, provider.Options{Dial: dial}, branchType, keys)
		inputs := pr(c.first(), nil)
		refusing = time.Now().Add(time.Minute) // longer than CREATING
		e.steps(inputs, "create", "same")
		if time.Now().Before(refusing) {
			t.Error("the run did not wait for the login")
		}
		time.Sleep(time.Hour)
		before, id := e.out("password"), e.out("branchId")
		refusing = time.Now().Add(90 * time.Second)
		e.wantDiff(inputs, "password update")
		if outputs, err := e.preview(inputs); err != nil || !outputs.Get("password").IsComputed() || outputs.Get("host").IsComputed() {
			t.Errorf("previewed %v: %v", outputs, err)
		}
		e.steps(inputs, "update", "same")
		if after := e.out("password"); after == before || !c.CheckPassword(id, e.out("user"), after) {
			t.Error("root has no new password")
		}
		refusing = time.Now().Add(time.Hour)
		start := time.Now()
		_, err := e.up(pr(c.first(), map[string]any{"resetToken": "2"}))
		within(t, start, 3*time.Minute)
		testcheck.Error(t, err, "connecting to", "Access denied for user", "tried for", "the next `pulumi up` resumes")
		if !e.failed || e.out("resetToken") != "2" {
			t.Error("the reset was not recorded")
		}
	})
}

// A server that cannot be reached from here is no reason to fail, and not the first try decides.
func TestBranch_unreachable(t *testing.T) {
	for after, warns := range map[time.Duration]bool{time.Minute: false, time.Hour: true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud()
			c.add("production", tokyo, nil, time.Now().Add(-time.Hour))
			accept, unreachable := anyLogin, time.Now().Add(after)
			e := configured(t, c, provider.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if time.Now().Before(unreachable) {
					return nil, errors.New("no route to host")
				}
				return accept(ctx, network, addr)
			}}, branchType, keys)
			e.steps(pr(c.first(), nil), "create", "same")
			if got := e.log.has("warn", `branch "pr-1" (b1) is ACTIVE, but a login could not be verified`, "no route to host"); got != warns {
				t.Errorf("unreachable for %s: warned %v:\n%s", after, got, e.log.all())
			}
		})
	}
}
