package tidbcloud_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	emulated "portfolio-infra/internal/sandbox/emulator/tidbcloud"
	"portfolio-infra/internal/tidbcloud"
)

// specsVar names the environment variable for a folder with TiDB Cloud's API
// descriptions, Swagger 2.0 in *.json: cluster.swagger.json and iam.swagger.json from
// https://github.com/tidbcloud/tidbcloud-cli/tree/main/pkg/tidbcloud/v1beta1, for
// instance. They are PingCAP's, so there is no copy here.
const specsVar = "TIDBCLOUD_SPECS"

func readSpecs(t *testing.T) []*operation {
	t.Helper()
	dir := os.Getenv(specsVar)
	if dir == "" {
		t.Skip("skipped: " + specsVar + " names no folder with TiDB Cloud's Swagger files")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no *.json in %s: %v", specsVar, dir, err)
	}
	var all []*operation
	for _, file := range files {
		operations, err := readSpec(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, operations...)
	}
	return all
}

// operation is one of those that TiDB Cloud publishes.
type operation struct {
	routers.Route
	pattern *regexp.Regexp // of its path, with a group for each parameter
	params  []string
}

func (o *operation) String() string { return o.Method + " " + o.Path }

var pathParam = regexp.MustCompile(`\{([^}]+)\}`)

func readSpec(file string) ([]*operation, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var swagger openapi2.T
	if err := json.Unmarshal(b, &swagger); err != nil {
		return nil, err
	}
	doc, err := openapi2conv.ToV3(&swagger)
	if err != nil {
		return nil, err
	}
	for _, schema := range doc.Components.Schemas {
		closeObjects(schema)
	}
	// The pattern of a region's name leaves out alicloud, which its regionId and its
	// cloudProvider have, and which the text on filters names.
	if region := doc.Components.Schemas["commonv1beta1Region"]; region != nil {
		region.Value.Properties["name"].Value.Pattern = `^regions/(aws|gcp|azure|alicloud)-(.+)$`
	}
	var all []*operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := &operation{Route: routers.Route{Spec: doc, Path: swagger.BasePath + path, PathItem: item, Method: method, Operation: op}}
			for _, param := range pathParam.FindAllStringSubmatch(path, -1) {
				o.params = append(o.params, param[1])
			}
			o.pattern = regexp.MustCompile("^" + pathParam.ReplaceAllString(o.Path, "([^/:]+)") + "$")
			all = append(all, o)
		}
	}
	return all, nil
}

// closeObjects makes an unknown property an error.
func closeObjects(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Ref != "" {
		return
	}
	s := ref.Value
	if len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil && s.AdditionalProperties.Has == nil {
		s.AdditionalProperties.Has = new(bool)
	}
	for _, property := range s.Properties {
		closeObjects(property)
	}
	closeObjects(s.Items)
}

// specChecker checks each call of the cloud behind it: the answer, and the request
// too if it was accepted or if strict is set.
type specChecker struct {
	t          *testing.T
	operations []*operation
	cloud      http.Handler
	strict     bool
}

func (c *specChecker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	c.cloud.ServeHTTP(answer, r)
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.check(r, answer)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (c *specChecker) check(r *http.Request, answer *httptest.ResponseRecorder) {
	call := fmt.Sprintf("%s %s: %d", r.Method, r.URL, answer.Code)
	i := slices.IndexFunc(c.operations, func(o *operation) bool {
		return o.Method == r.Method && o.pattern.MatchString(r.URL.EscapedPath())
	})
	if i < 0 {
		if c.strict || answer.Code < 300 {
			c.t.Errorf("%s: no such operation", call)
		}
		return
	}
	o := c.operations[i]
	values := map[string]string{}
	for i, value := range o.pattern.FindStringSubmatch(r.URL.EscapedPath())[1:] {
		values[o.params[i]] = value
	}
	request := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: values, Route: &o.Route,
		Options: &openapi3filter.Options{SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: true},
	}
	if c.strict || answer.Code < 300 {
		if err := openapi3filter.ValidateRequest(r.Context(), request); err != nil {
			c.t.Errorf("%s: request: %v", call, err)
		}
		for name := range r.URL.Query() {
			if o.Operation.Parameters.GetByInAndName("query", name) == nil {
				c.t.Errorf("%s: request: unknown query parameter %q", call, name)
			}
		}
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: answer.Code, Header: answer.Header(),
		// The description of the IAM API has 200 and 400 alone, not even 401.
		Options: &openapi3filter.Options{IncludeResponseStatus: answer.Code < 300},
	}
	response.SetBodyBytes(answer.Body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), response); err != nil {
		c.t.Errorf("%s: answer: %v", call, err)
	}
}

// specRequests are what TestOpenAPI_operations sends, by operation. An operation that
// is not here gets one request without a query or a body.
var specRequests = map[string][]struct{ query, body string }{
	"GET /v1beta1/clusters":             {{}, {query: "?pageSize=1"}, {query: "?filter=projectId=1"}},
	"GET /v1beta1/clusters/{clusterId}": {{}, {query: "?view=BASIC"}, {query: "?view=FULL"}},
	"POST /v1beta1/clusters":            {{body: `{"displayName":"another","region":{"name":"regions/alicloud-ap-southeast-1"}}`}},
	"PATCH /v1beta1/clusters/{cluster.clusterId}": {
		{body: `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`},
		{body: `{"cluster":{"labels":{"team":"web"}},"updateMask":"labels"}`},
		{body: `{"cluster":{"spendingLimit":{"monthly":500}},"updateMask":"spendingLimit.monthly"}`},
		{body: `{"cluster":{"endpoints":{"public":{"disabled":true}}},"updateMask":"endpoints.public.disabled"}`},
		{body: `{"cluster":{"endpoints":{"public":{"authorizedNetworks":[]}}},"updateMask":"endpoints.public.authorizedNetworks"}`},
	},
	"PUT /v1beta1/clusters/{clusterId}/password": {{body: `{` + password + `}`}},
	"GET /v1beta1/clusters/{clusterId}/sqlUsers": {{}, {query: "?pageSize=1"}},
	"POST /v1beta1/clusters/{clusterId}/sqlUsers": {
		{body: `{"userName":"reader",` + password + `,` + nativeAuth + `,"autoPrefix":true,"builtinRole":"role_readonly","customRoles":["r1"]}`},
	},
	"PATCH /v1beta1/clusters/{clusterId}/sqlUsers/{userName}": {
		{body: `{"builtinRole":"role_admin","customRoles":["r1"],` + password + `}`},
	},
}

// TestOpenAPI_operations calls every operation in the descriptions: each is emulated
// as it is described, or not at all.
func TestOpenAPI_operations(t *testing.T) {
	checker := &specChecker{t: t, operations: readSpecs(t), cloud: newCloud()}
	c := serve(t, checker)
	id := c.create("cluster", `,"spendingLimit":{"monthly":1000},"endpoints":{"public":{"disabled":false}},"rootPassword":"correct horse",`+
		`"encryptionConfig":{"enhancedEncryptionEnabled":true},"labels":{"example.com/owner":"web"}`)
	arguments := map[string]string{"clusterId": id, "cluster.clusterId": id, "userName": c.createUser(id, "api")}

	// Deletions come last, a user's before its cluster's.
	rank := func(o *operation) int {
		if o.Method != http.MethodDelete {
			return 0
		}
		return 9 - len(o.params)
	}
	slices.SortFunc(checker.operations, func(a, b *operation) int {
		return cmp.Or(rank(a)-rank(b), strings.Compare(a.String(), b.String()))
	})
	emulated := 0
	for _, o := range checker.operations {
		path := pathParam.ReplaceAllStringFunc(o.Path, func(param string) string {
			return cmp.Or(arguments[strings.Trim(param, "{}")], "1")
		})
		requests := specRequests[o.String()]
		if requests == nil {
			requests = append(requests, struct{ query, body string }{})
		}
		for _, r := range requests {
			a := c.do(o.Method, path+r.query, r.body)
			if a.status == http.StatusNotFound && strings.Contains(a.raw, "not emulated") {
				continue
			}
			a.want(http.StatusOK)
			emulated++
		}
	}
	if emulated < 19 {
		t.Errorf("%d requests succeeded, want 19 at least", emulated)
	}
}

// TestOpenAPI_errors checks the bodies of errors.
func TestOpenAPI_errors(t *testing.T) {
	ticks := newClock()
	cloud := &emulated.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: ticks.Now, CreateTime: -1, MaxClusters: 1, ForbidAfterDelete: true, RateLimit: 12}
	c := serve(t, &specChecker{t: t, operations: readSpecs(t), cloud: cloud})
	id := c.create("cluster", "")
	c.do("POST", "/v1beta1/clusters", `{"displayName":"one-too-many",`+tokyo+`}`).want(400)
	c.do("POST", "/v1beta1/clusters", `{"displayName":1}`).want(400)
	c.do("GET", clusterPath("10000000000000000000"), "").want(404)
	c.do("PATCH", clusterPath(id), `{}`).want(400)
	c.do("GET", clusterPath(id, "sqlUsers")+"?pageSize=x", "").want(400)
	c.do("POST", clusterPath(id, "sqlUsers"), `{}`).want(400)
	c.do("GET", clusterPath(id, "sqlUsers", "nobody"), "").want(404)
	c.do("DELETE", clusterPath(id), "").want(200)
	c.do("GET", clusterPath(id), "").want(403)
	for range 3 {
		c.do("GET", clusterPath(id), "")
	}
	c.do("GET", clusterPath(id), "").want(429)
	c.http = http.DefaultClient
	c.do("GET", "/v1beta1/clusters", "").want(401)
}

// TestOpenAPI_client checks what this module's own client sends.
func TestOpenAPI_client(t *testing.T) {
	cloud := newCloud()
	cloud.DeleteTime = -1
	url := serve(t, &specChecker{t: t, operations: readSpecs(t), cloud: cloud, strict: true}).url + "/v1beta1"
	client := &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey, ServerlessURL: url, IAMURL: url}
	ctx := t.Context()

	limit := 500
	cluster, err := client.CreateCluster(ctx, tidbcloud.NewCluster{
		DisplayName: "cluster", Region: "regions/aws-us-east-1", Labels: map[string]string{"example.com/owner": "web"}, SpendingLimit: &limit,
	})
	if err != nil {
		t.Fatal(err)
	}
	user, err := client.CreateUser(ctx, cluster.ID, tidbcloud.NewUser{Name: "api", Password: "correct horse", Role: tidbcloud.RoleReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	network := []tidbcloud.Network{{DisplayName: "office", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}}
	_, listError := client.ListClusters(ctx)
	_, waitError := client.WaitUntilConnectable(ctx, cluster.ID, nil)
	_, findError := client.FindUser(ctx, cluster.ID, user.FullName)
	for _, err := range []error{
		listError, waitError, findError,
		client.RenameCluster(ctx, cluster.ID, "renamed"),
		client.SetClusterLabels(ctx, cluster.ID, map[string]string{"team": "web"}),
		client.SetSpendingLimit(ctx, cluster.ID, 600),
		client.SetAuthorizedNetworks(ctx, cluster.ID, network),
		client.UpdateUser(ctx, cluster.ID, user.FullName, tidbcloud.UserChange{Password: "another horse", Role: tidbcloud.RoleReadOnly}),
		client.DeleteUser(ctx, cluster.ID, user.FullName),
		client.DeleteCluster(ctx, cluster.ID),
		client.WaitUntilGone(ctx, cluster.ID, nil),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}
