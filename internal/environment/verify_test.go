package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/rest/resttest"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
	"portfolio-infra/internal/testcheck"
)

var ours = owner(repository, 7)

// leave are the ways to leave one thing of pull request 7 behind, with what verify says of its
// removal.
var leave = map[string]struct {
	leave func(w *world, production string)
	says  string
}{
	"Worker":                        {func(w *world, _ string) { w.UploadWorker("portfolio-pr-7-api", ours) }, `removed the Worker "portfolio-pr-7-api"`},
	"project without deployments":   {func(w *world, _ string) { w.project("portfolio-pr-7") }, `removed the Pages project "portfolio-pr-7"`},
	"project with many deployments": {func(w *world, _ string) { w.project("portfolio-pr-7"); w.deployed(103, "portfolio-pr-7", ours) }, `removed the Pages project "portfolio-pr-7"`},
	"project bound to its Worker": {func(w *world, _ string) { w.site("portfolio-pr-7", ours, 2) },
		"removed the Pages project \"portfolio-pr-7\"\nremoved the Worker \"portfolio-pr-7-api\""},
	"project bound to more Workers": {func(w *world, _ string) {
		w.UploadWorker("portfolio-pr-7-api", ours)
		w.project("portfolio-pr-7", "portfolio-pr-7-api", "portfolio-prod-api")
		w.deployed(2, "portfolio-pr-7", ours)
	}, `removed the Pages project "portfolio-pr-7"`},
	"project of an earlier name":                      {func(w *world, _ string) { w.site("earlier-pr-7", ours, 1) }, `removed the Pages project "earlier-pr-7"`},
	"project of an earlier name, without deployments": {func(w *world, _ string) { w.site("earlier-pr-7", ours, 0) }, `removed the Pages project "earlier-pr-7"`},
	"cluster":         {func(w *world, _ string) { w.cluster("portfolio-pr-7-db", ours, ours) }, `removed the cluster "portfolio-pr-7-db" (`},
	"branch":          {func(w *world, production string) { w.branch(production, ours, ours) }, `removed the branch "` + ours + `" (bran-`},
	"branch, by name": {func(w *world, production string) { w.branch(production, ours, "") }, `removed the branch "` + ours + `" (bran-`},
}

// everything leaves one of each.
func everything(w *world, production string) {
	for _, name := range []string{"project bound to its Worker", "cluster", "branch"} {
		leave[name].leave(w, production)
	}
}

// Whatever is left is removed and named, by itself and all together, and nothing else is touched.
func TestVerify(t *testing.T) {
	for name, tt := range leave {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world, production string) {
				before := w.all()
				tt.leave(w, production)
				w.verify("", tt.says, "")
				w.same(before)
				if deleted := w.deletes(); len(slices.Compact(slices.Sorted(slices.Values(deleted)))) != len(deleted) {
					t.Errorf("something was deleted twice: %v", deleted)
				}
			})
		})
	}
	t.Run("all together", func(t *testing.T) {
		inWorld(t, func(w *world, production string) {
			before := w.all()
			everything(w, production)
			w.branch(w.cluster("portfolio-pr-7-db", ours, ours), "somebody-s", "")
			w.verify("", "", "")
			if out := w.stdout.String(); strings.Count(out, "removed the ") != 5 {
				t.Error(out)
			}
			w.same(before)
		})
	})
}

// deletes returns the URLs of the calls that delete something but deployments.
func (w *world) deletes() (all []string) {
	for _, c := range w.net.Calls() {
		if c.Method == http.MethodDelete && !strings.Contains(c.URL, "/deployments/") {
			all = append(all, c.URL)
		}
	}
	return all
}

// What is removed late, or is shown late, is waited for.
func TestVerify_waits(t *testing.T) {
	for name, test := range map[string]func(w *world){
		// Two lists in a row must be empty.
		"things that come later": func(w *world) {
			time.AfterFunc(5*time.Second, func() { leave["Worker"].leave(w, "") })
			time.AfterFunc(17*time.Second, func() { leave["cluster"].leave(w, "") })
			w.verify("", "", "")
			time.Sleep(time.Minute) // until both are there
			w.same(nil)
		},
		"a list that lags behind, and shows what the cloud knows no more": func(w *world) {
			w.tidbcloud.DeleteTime = -1
			w.cluster("portfolio-pr-7-db", ours, ours)
			start, stale := time.Now(), ""
			w.net.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v1beta1/clusters" || r.Header.Get("Authorization") == "" || time.Since(start) > 30*time.Second {
					w.ServeHTTP(rw, r)
					return
				}
				if stale == "" {
					first := httptest.NewRecorder()
					w.ServeHTTP(first, r)
					stale = first.Body.String()
				}
				resttest.Respond(200, stale)(rw, r)
			})
			if w.verify("", "removed the cluster", ""); len(w.deletes()) < 2 {
				w.Errorf("deleted %q", w.deletes())
			}
		},
		"a branch that is listed and cannot be read": func(w *world) {
			all := faultlist.All(faultlist.TiDBCloud)
			not := all[slices.IndexFunc(all, func(f faultlist.Fault) bool { return f.Status == 404 })]
			w.branch(w.production(), ours, ours)
			w.net.Set(faultlist.Plan{Fault: not, Kind: "GET /clusters/*/branches/*", Times: -1})
			w.verify("", "removed the branch", "")
		},
		"what is being deleted already": func(w *world) {
			if err := w.byHand().DeleteCluster(w.Context(), w.cluster("portfolio-pr-7-db", ours, ours)); err != nil {
				w.Fatal(err)
			}
			if w.verify("", "removed the cluster", ""); len(w.deletes()) > 0 {
				w.Errorf("deleted %v", w.deletes())
			}
		},
		"the limit of 100 calls a minute, which an organization with many clusters meets": func(w *world) {
			var production string
			for i := range 60 {
				production = w.cluster(fmt.Sprintf("cluster-%02d", i), "", "")
			}
			before := w.all()
			w.tidbcloud.RateLimit = 100
			w.branch(production, ours, ours)
			if w.verify("", "", ""); !strings.Contains(w.stderr.String(), "waiting") {
				w.Error(&w.stderr)
			}
			w.same(before)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
		})
	}
}

// A call that was under way when a run was killed takes effect after the first list, or after the
// first removal.
func TestVerify_late(t *testing.T) {
	for name, tt := range leave {
		for _, first := range []string{"", "Worker", "cluster"} {
			if first == "Worker" && strings.Contains(name, "Worker") || first == name {
				continue
			}
			inWorld(t, func(w *world, production string) {
				before := w.all()
				if first != "" {
					leave[first].leave(w, production)
				}
				time.AfterFunc(5*time.Second, func() { tt.leave(w, production) })
				w.verify("", tt.says, "")
				w.same(before)
			})
		}
	}
}

// What may be somebody else's is not removed. What is certainly somebody else's is no failure;
// anything else is named.
func TestVerify_stays(t *testing.T) {
	for name, tt := range map[string]struct {
		leave func(w *world, production string)
		err   string // empty if it is no failure
	}{
		"nothing": {func(*world, string) {}, ""},
		"another repository's project of that name": {func(w *world, _ string) { w.site("portfolio-pr-7", owner(neighbor, 7), 1) }, ""},
		"another repository's, without deployments": {func(w *world, _ string) { w.site("portfolio-pr-7", owner(neighbor, 7), 0) }, ""},
		"another repository's, not bound yet": {func(w *world, _ string) {
			w.UploadWorker("portfolio-pr-7-api", owner(neighbor, 7))
			w.project("portfolio-pr-7")
		}, ""},
		"another repository's, whose Worker is gone": {func(w *world, _ string) {
			w.project("portfolio-pr-7")
			w.deployed(1, "portfolio-pr-7", owner(neighbor, 7))
		}, ""},
		"a stack's that somebody made by hand": {func(w *world, _ string) { w.site("portfolio-pr-7", "portfolio-pr-7-abcdefghijkl", 1) }, ""},
		"of an earlier name, whose Worker is gone": {func(w *world, _ string) {
			w.project("earlier-pr-7")
			w.deployed(1, "earlier-pr-7", ours)
		}, ""},
		"another pull request's": {func(w *world, production string) {
			w.site("portfolio-pr-8", owner(repository, 8), 0)
			w.cluster("portfolio-pr-8-db", owner(repository, 8), owner(repository, 8))
			w.branch(production, owner(repository, 8), "")
		}, ""},
		"a Worker without a mark": {func(w *world, _ string) { w.UploadWorker("portfolio-pr-7-api", "") }, ""},
		"one deployment of many by hand": {func(w *world, _ string) {
			w.site("portfolio-pr-7", ours, 26)
			w.deployed(1, "portfolio-pr-7", "")
		}, `the Pages project "portfolio-pr-7", which stays: 1 of its 27 deployments bear no mark of this environment`},
		"all deployments by hand": {func(w *world, _ string) {
			w.site("portfolio-pr-7", ours, 0)
			w.deployed(2, "portfolio-pr-7", "")
		}, `the Pages project "portfolio-pr-7", which stays: 2 of its 2 deployments`},
		"somebody's project that is bound to the Worker": {func(w *world, _ string) {
			w.UploadWorker("portfolio-pr-7-api", ours)
			w.project("blog-pr-7", "portfolio-pr-7-api")
			w.deployed(1, "blog-pr-7", "")
		}, "this is left:\n  the Worker \"portfolio-pr-7-api\": Cloudflare: DELETE"},
		"bound to another's Worker": {func(w *world, _ string) {
			w.project("portfolio-pr-7", "portfolio-prod-api")
			w.deployed(1, "portfolio-pr-7", ours)
		}, `the Pages project "portfolio-pr-7", which stays: its Worker "portfolio-prod-api" has another owner`},
		"bound to a Worker without a mark": {func(w *world, _ string) {
			w.site("portfolio-pr-7", "", 0)
			w.deployed(1, "portfolio-pr-7", ours)
		}, `the Pages project "portfolio-pr-7", which stays: its Worker "portfolio-pr-7-api" bears no mark`},
		"an adopted cluster": {func(w *world, _ string) { w.cluster("somebody-s", ours, "") }, `the cluster "somebody-s" (`},
		"a cluster made for another stack": {func(w *world, _ string) { w.cluster("somebody-s", ours, owner(repository, 8)) },
			`which stays: it was adopted, so it is somebody else's: take its label pulumi.com/owner away`},
		"a cluster that is deleted, and still shown": {func(w *world, _ string) {
			if err := w.tidbcloud.SetState(w.cluster("portfolio-pr-7-db", ours, ours), "DELETED"); err != nil {
				w.Fatal(err)
			}
		}, ""},
		"a cluster that another stack adopted": {func(w *world, _ string) { w.cluster("somebody-s", "other-abcdefghijkl", ours) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world, production string) {
				tt.leave(w, production)
				before, start := w.all(), time.Now()
				w.verify("", "", tt.err)
				if time.Since(start) > time.Minute {
					t.Errorf("it took %s", time.Since(start))
				}
				if text := w.stdout.String(); tt.err == "" && text != "nothing is left\n" || strings.Contains(w.stderr.String(), "this is left:\n") != (tt.err != "") {
					t.Errorf("%s%s", text, &w.stderr)
				}
				w.same(before)
			})
		})
	}
}

// A removal that takes longer than the provider would wait is a failure that names the thing.
func TestVerify_patience(t *testing.T) {
	for after, want := range map[time.Duration]string{8 * time.Minute: "", 30 * time.Minute: `the cluster "portfolio-pr-7-db" (`} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.tidbcloud.DeleteTime = after
			w.cluster("portfolio-pr-7-db", ours, ours)
			start := time.Now()
			w.verify("", "", want)
			if time.Since(start) > 12*time.Minute {
				t.Errorf("it took %s", time.Since(start))
			}
			lists := slices.DeleteFunc(w.net.Calls(), func(c faultlist.Call) bool { return c.Kind != "GET /clusters" })
			if len(lists) > 4 {
				t.Errorf("%d lists: a cluster is waited for by itself", len(lists))
			}
		})
	}
}

// A state that still has something is refused before anything is removed, even before anything is
// read.
func TestVerify_state(t *testing.T) {
	const head = `{"version":3,"deployment":{"manifest":{},"resources":[`
	resource := func(kind string, custom bool) string {
		return fmt.Sprintf(`{"urn":"urn:pulumi:pr-7::portfolio::%s::x","type":%[1]q,"custom":%t}`, kind, custom)
	}
	rest := strings.Join([]string{resource("pulumi:pulumi:Stack", false), resource("portfolio:index:Api", false), resource("pulumi:providers:tidbcloud", true),
		resource("pulumi:index:Stash", true)}, ",")
	for name, tt := range map[string]struct {
		state string
		err   string
	}{
		"no stack":           {" \n", ""},
		"empty":              {`{"version":3,"deployment":{"manifest":{}}}`, ""},
		"nothing in a cloud": {head + rest + `]}}`, ""},
		"a Worker":           {head + rest + "," + resource("cloudflare:index/workersScript:WorkersScript", true) + `]}}`, "\n  urn:pulumi:pr-7::portfolio::cloudflare:index/workersScript:WorkersScript::x\n"},
		"an unknown type":    {head + resource("tidbcloud:index:Backup", true) + `]}}`, "the state still has these resources, so nothing was removed: run `pulumi destroy` first:"},
		"no state":           {`{}`, "not the output of `pulumi stack export`"},
		"cut off":            {head, "reading the state from standard input"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.UploadWorker("portfolio-pr-7-api", ours)
				w.verify(tt.state, "", tt.err)
				if called, left := w.net.Calls(), w.all(); (len(called) == 0) != (tt.err != "") || (len(left) == 0) != (tt.err == "") {
					t.Errorf("called %v, left %v", called, left)
				}
			})
		})
	}
}

// Both environments are told apart by their whole number.
func TestMarked(t *testing.T) {
	inWorld(t, func(w *world, production string) {
		marked := func(want string) {
			t.Helper()
			if code := w.run(w.Context(), "", "marked"); code != 0 || w.stdout.String() != want {
				t.Errorf("%d: %s%s, want %q", code, &w.stdout, &w.stderr, want)
			}
		}
		marked("")
		w.UploadWorker("portfolio-pr-12-api", owner(repository, 12))
		w.project("portfolio-pr-12")
		w.project("portfolio-pr-3")
		w.deployed(1, "portfolio-pr-3", owner(repository, 3))
		w.project("portfolio-pr-4") // bears no mark
		w.cluster("renamed", owner(repository, 5), owner(repository, 5))
		w.branch(production, owner(repository, 6), "")
		marked("3\n5\n6\n12\n")
		if slices.ContainsFunc(w.net.Calls(), func(c faultlist.Call) bool { return c.Method != http.MethodGet }) {
			t.Errorf("called %v", w.net.Calls())
		}
	})
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"x"}, {"verify"}, {"verify", "x"}, {"verify", "0"}, {"verify", "7", "8"}, {"marked", "x"}, {"forget", "x"}, {"due"}, {"due", "-only", "x"}} {
		w := newWorld(t)
		if code := w.run(t.Context(), "", args...); code != 2 || !strings.HasPrefix(w.stderr.String(), "usage: environment ") {
			t.Errorf("%v: %d, %s", args, code, &w.stderr)
		}
	}
}

// One error names all that the environment lacks.
func TestClouds(t *testing.T) {
	w := newWorld(t)
	w.env = map[string]string{"CLOUDFLARE_ACCOUNT_ID": "x", "TIDBCLOUD_IAM_ENDPOINT": "http://example.com"}
	code := w.run(t.Context(), "", "marked")
	testcheck.Error(t, errors.New(w.stderr.String()), "set GITHUB_REPOSITORY_ID", "set CLOUDFLARE_API_TOKEN", "set TIDBCLOUD_PUBLIC_KEY", "set TIDBCLOUD_PRIVATE_KEY",
		`CLOUDFLARE_ACCOUNT_ID: "x" is not`, "TIDBCLOUD_IAM_ENDPOINT: ")
	if code != 1 || strings.Count(w.stderr.String(), "\n") != 1 {
		t.Errorf("%d, and %q is not one line", code, &w.stderr)
	}
}
