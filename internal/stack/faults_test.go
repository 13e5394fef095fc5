package stack

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portfolio-infra/internal/binding"
	"portfolio-infra/internal/cloudflare"
	emulated "portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// faultToken shares no part with what errors show.
const faultToken = "Zq7f3aW9c21e0-Xk_84hTm2Lp6Rv0Bn5Yd3Gs1Jw"

// account is an emulated Cloudflare without a socket.
type account struct {
	*testing.T
	cloud *emulated.Cloud
	net   *faultlist.Transport
	cfg   Config
}

func newAccount(t *testing.T) *account {
	a := &account{T: t, cloud: &emulated.Cloud{AccountID: testAccount, Token: faultToken}}
	a.net = &faultlist.Transport{Handler: a.cloud, Kind: func(r *http.Request, _ []byte) string {
		return r.Method + strings.TrimPrefix(r.URL.Path, "/client/v4/accounts/"+testAccount)
	}}
	a.cfg = Config{AccountID: testAccount, PagesProject: "site", ProductionBranch: "main", Worker: "api",
		Wanted:     binding.Wanted{Bindings: map[string]binding.Service{"API_SERVICE": {Service: "api", Environment: binding.DefaultEnvironment}}},
		Cloudflare: Access{Token: faultToken, http: &http.Client{Transport: a.net}}}
	return a
}

func (a *account) client() *cloudflare.Client { return a.cfg.Cloudflare.client(testAccount) }

// call is one of somebody else.
func (a *account) call(method, path, contentType, body string) {
	a.Helper()
	r := httptest.NewRequest(method, "/client/v4/accounts/"+testAccount+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+faultToken)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	a.cloud.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		a.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
}

func (a *account) project() {
	a.Helper()
	a.call(http.MethodPost, "/pages/projects", "application/json", `{"name":"site","production_branch":"main"}`)
}

// worker uploads a Worker that bears an owner.
func (a *account) worker(owner string) {
	a.Helper()
	a.call(http.MethodPut, "/workers/scripts/api", "multipart/form-data; boundary=b", "--b\r\n"+
		"Content-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n"+
		`{"main_module":"w.js","bindings":[{"type":"plain_text","name":"`+varOwner+`","text":"`+owner+"\"}]}\r\n--b\r\n"+
		"Content-Disposition: form-data; name=\"w.js\"; filename=\"w.js\"\r\nContent-Type: application/javascript+module\r\n\r\nexport default {}\r\n--b--\r\n")
}

// operation is one that begins with a look at what is there.
type operation struct {
	name   string
	before func(*account)
	run    func(context.Context, *account) error
	// verdict is in the error of the unharmed look, "" where it has none.
	verdict string
	// projects is how many there are in the end.
	projects int
}

func looks() []operation {
	project := func(ctx context.Context, a *account) error { return guardProject(ctx, a.cfg, false) }
	worker := func(ctx context.Context, a *account) error { return guardWorker(ctx, a.client(), "api", "me") }
	drift := func(want string) func(context.Context, *account) error {
		return func(ctx context.Context, a *account) error {
			l, err := look(ctx, a.cfg)
			if err != nil {
				return err
			}
			if found := l.bindingDrift(a.cfg, time.Now()); !strings.HasPrefix(found, want) && !strings.HasPrefix(found, "no project") {
				return fmt.Errorf("the drift is %q", found)
			}
			return nil
		}
	}
	return []operation{
		{"guard a left-over project", (*account).project, project, "", 0},
		{"guard a project in use", func(a *account) {
			a.project()
			if _, err := a.cloud.AddDeployment("site", "main"); err != nil {
				a.Fatal(err)
			}
		}, project, "is not this stack's", 1},
		{"guard our Worker", func(a *account) { a.worker("me") }, worker, "", 0},
		{"guard a stranger's Worker", func(a *account) { a.worker("you") }, worker, "is not this stack's", 0},
		{"look for drift", func(a *account) { a.project(); a.worker("me") }, drift("not as wanted: production.API_SERVICE"), "", 1},
	}
}

// remedy is what an error tells to do.
var remedy = regexp.MustCompile("run it again|check |look at |wait until|`pulumi ")

// Whatever call of a guard or of the look for drift fails in whatever way: nothing of
// a stranger's is touched, and the next look sees what is there.
func TestGuards_Faults(t *testing.T) {
	var tallies []faultlist.Tally
	for _, op := range looks() {
		begin := func(t *testing.T) *account {
			a := newAccount(t)
			op.before(a)
			return a
		}
		var calls []faultlist.Call
		synctest.Test(t, func(t *testing.T) {
			a := begin(t)
			err := op.run(t.Context(), a)
			if (err == nil) != (op.verdict == "") || err != nil && !strings.Contains(err.Error(), op.verdict) {
				t.Fatal(err)
			}
			calls = a.net.Calls()
		})
		tally := faultlist.Tally{Operation: op.name, Calls: len(calls)}
		for _, call := range calls {
			for _, fault := range faultlist.All(faultlist.Cloudflare) {
				for _, times := range []int{1, 2, -1} {
					tally.Cases++
					var problems []string
					synctest.Test(t, func(t *testing.T) {
						a := begin(t)
						a.net.Set(faultlist.Plan{Fault: fault, Kind: call.Kind, Times: times})
						err := op.run(t.Context(), a)
						switch {
						case err == nil || op.verdict != "" && strings.Contains(err.Error(), op.verdict):
							tally.Success++ // or the verdict that it would have had
							if err == nil && op.verdict != "" {
								problems = append(problems, "the guard let it pass")
							}
						default:
							problems = badError(err, fault, a.net.Calls())
						}
						if op.projects > 0 && len(a.cloud.Projects()) != op.projects {
							problems = append(problems, "the project is lost")
						}
						if shows := faultlist.Shows(fmt.Sprint(err), faultToken); len(shows) > 0 {
							problems = append(problems, fmt.Sprint("the token shows: ", shows))
						}
						a.net.Set(faultlist.Plan{})
						again := op.run(t.Context(), a)
						if (again == nil) == (op.verdict == "") && len(a.cloud.Projects()) == op.projects {
							tally.Converged++
						} else {
							problems = append(problems, fmt.Sprintf("the next look: %v; %d projects", again, len(a.cloud.Projects())))
						}
						if len(problems) > 0 {
							problems = append(problems, fmt.Sprintf("the error: %v", err))
						}
					})
					if len(problems) > 0 {
						t.Errorf("%s / %s / %s, %d times:\n\t%s", op.name, call.Kind, fault.Name, times, strings.Join(problems, "\n\t"))
					}
				}
			}
		}
		tallies = append(tallies, tally)
	}
	t.Logf("%d faults, each once, twice and for good:\n%s", len(faultlist.All(faultlist.Cloudflare)), faultlist.Table(tallies))
}

// badError tells what an error lacks.
func badError(err error, f faultlist.Fault, calls []faultlist.Call) (problems []string) {
	if !remedy.MatchString(err.Error()) {
		problems = append(problems, "the error does not say what to do")
	}
	return append(problems, faultlist.Missing(err, f, calls)...)
}

// A look that is told to stop does so at once, whatever it is waiting for.
func TestGuards_Faults_cancel(t *testing.T) {
	for _, op := range looks() {
		for _, name := range []string{"no answer, no effect", "429 with Retry-After", "503", "body slower than the time-out"} {
			t.Run(op.name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAccount(t)
					op.before(a)
					list := faultlist.All(faultlist.Cloudflare)
					i := slices.IndexFunc(list, func(f faultlist.Fault) bool { return f.Name == name })
					kind := "GET/pages/projects/site"
					if strings.HasSuffix(op.name, "Worker") {
						kind = "GET/workers/scripts/api/settings"
					}
					a.net.Set(faultlist.Plan{Fault: list[i], Kind: kind, Times: -1})
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					start := time.Now()
					if err := op.run(ctx, a); err == nil || time.Since(start) > time.Second {
						t.Errorf("%v after %s", err, time.Since(start))
					}
				})
			})
		}
	}
}
