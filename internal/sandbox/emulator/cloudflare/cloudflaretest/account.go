// Package cloudflaretest has an emulated account of Cloudflare in memory, for the tests of its
// clients.
package cloudflaretest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator"
	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/faultlist"
)

// Token is the API token of an account. No part of it is in what errors show.
const Token = "Zq7f3aW9c21e0-Xk_84hTm2Lp6Rv0Bn5Yd3Gs1Jw"

// Account is an emulated account. Its methods do by hand what a client under test does not; they
// fail the test if they are refused.
type Account struct {
	Cloud *cloudflare.Cloud
	// Net is the transport of a client under test. Its kinds of calls are [Kind]'s.
	Net *faultlist.Transport

	t testing.TB
}

// New returns an account of the Cloud, which has [Token] unless it has another one.
func New(t testing.TB, cloud *cloudflare.Cloud) *Account {
	cloud.Token = cmp.Or(cloud.Token, Token)
	return &Account{cloud, &faultlist.Transport{Handler: cloud, Kind: Kind}, t}
}

var (
	accountPath  = regexp.MustCompile(`^/client/v4(/accounts/[^/]+)?`)
	deploymentID = regexp.MustCompile(`/deployments/[0-9a-f-]{36}`)
)

// Kind names a call by its method and its path below the account, whatever deployment it is for.
func Kind(r *http.Request, _ []byte) string {
	path := accountPath.ReplaceAllString(r.URL.Path, "")
	return r.Method + " " + deploymentID.ReplaceAllString(path, "/deployments/*")
}

// HTTP returns the client that a test gives to what it tests.
func (a *Account) HTTP() *http.Client { return &http.Client{Transport: a.Net} }

// Call makes a call of a path below the account, or of a zone's, and returns the body of the
// answer.
func (a *Account) Call(method, path, body string) string {
	a.t.Helper()
	return a.send(method, path, "application/json", body)
}

// Form makes a call whose body is a form.
func (a *Account) Form(method, path string, parts ...emulator.Part) string {
	a.t.Helper()
	body, contentType := emulator.Form(parts...)
	return a.send(method, path, contentType, string(body))
}

func (a *Account) send(method, path, contentType, body string) string {
	a.t.Helper()
	if !strings.HasPrefix(path, "/zones/") {
		path = "/accounts/" + cmp.Or(a.Cloud.AccountID, cloudflare.DefaultAccountID) + path
	}
	r := httptest.NewRequest(method, "/client/v4"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+a.Cloud.Token)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	if a.Cloud.ServeHTTP(w, r); w.Code != http.StatusOK {
		a.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// CreateProject creates a Pages project.
func (a *Account) CreateProject(name, productionBranch string) {
	a.t.Helper()
	a.Call(http.MethodPost, "/pages/projects", fmt.Sprintf(`{"name":%q,"production_branch":%q}`, name, productionBranch))
}

// Configure patches the deployment_configs of a Pages project.
func (a *Account) Configure(project, configs string) {
	a.t.Helper()
	a.Call(http.MethodPatch, "/pages/projects/"+project, `{"deployment_configs":`+configs+`}`)
}

// Deploy makes a deployment without files.
func (a *Account) Deploy(project, branch, message string) {
	a.t.Helper()
	a.Form(http.MethodPost, "/pages/projects/"+project+"/deployments",
		Part("manifest", "", "{}"), Part("branch", "", branch), Part("commit_message", "", message))
}

// UploadWorker uploads a Worker that bears an owner, unless that is empty.
func (a *Account) UploadWorker(name, owner string) {
	a.t.Helper()
	bindings := ""
	if owner != "" {
		bindings = fmt.Sprintf(`{"type":"plain_text","name":"PULUMI_STACK","text":%q}`, owner)
	}
	a.Form(http.MethodPut, "/workers/scripts/"+name, Part("metadata", "application/json", `{"main_module":"w.js","bindings":[`+bindings+`]}`),
		Part("w.js", "application/javascript+module", "export default {}"))
}

// Part returns a part of a form. An empty type is none.
func Part(name, contentType, content string) emulator.Part {
	return emulator.Part{Name: name, Type: contentType, Content: []byte(content)}
}
