package tidbcloud_test

import (
	"bytes"
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
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"portfolio-infra/internal/tidbcloud"
)

// specsVar names the environment variable for a folder with TiDB Cloud's API
// descriptions, Swagger 2.0 in *.json: those of clusters, branches and the IAM API from
// https://github.com/tidbcloud/tidbcloud-cli/tree/main/pkg/tidbcloud/v1beta1, for
// instance. They are PingCAP's, so there is no copy here. With it all tests of this
// package compare their calls with the descriptions.
const specsVar = "TIDBCLOUD_SPECS"

var readSpecs = sync.OnceValues(func() ([]*operation, error) {
	files, err := filepath.Glob(filepath.Join(os.Getenv(specsVar), "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s: no *.json in the folder", specsVar)
	}
	var all []*operation
	for _, file := range files {
		operations, err := readSpec(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, operations...)
	}
	return all, nil
})

// checked returns a handler that compares the calls of h with the descriptions, if
// there are any.
func checked(t *testing.T, h http.Handler) http.Handler {
	t.Helper()
	if os.Getenv(specsVar) == "" {
		return h
	}
	operations, err := readSpecs()
	if err != nil {
		t.Fatal(err)
	}
	return &specChecker{t, operations, h}
}

// operation is one that TiDB Cloud describes.
type operation struct {
	routers.Route
	pattern *regexp.Regexp // of its path, with a group for each parameter
	params  []string
}

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
	// The pattern of a region's name lacks alicloud. Its regionId, its cloudProvider and the
	// text on filters have it.
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
			o.pattern = regexp.MustCompile("^" + pathParam.ReplaceAllString(o.Path, "([^/]+)") + "$")
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

// specChecker checks the cloud's answers, and the requests that it accepts.
type specChecker struct {
	t          *testing.T
	operations []*operation
	cloud      http.Handler
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
		if answer.Code < 300 {
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
	if answer.Code < 300 {
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
		// The description of the IAM API has only 200 and 400, not even 401.
		Options: &openapi3filter.Options{IncludeResponseStatus: answer.Code < 300},
	}
	response.SetBodyBytes(answer.Body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), response); err != nil {
		c.t.Errorf("%s: answer: %v", call, err)
	}
}

// TestOpenAPI_client checks what this module's own client sends.
func TestOpenAPI_client(t *testing.T) {
	if os.Getenv(specsVar) == "" {
		t.Skip("skipped: " + specsVar + " does not name a folder with TiDB Cloud's Swagger files")
	}
	cloud := newCloud()
	cloud.DeleteTime = -1
	url := serve(t, cloud).url + "/v1beta1"
	client := &tidbcloud.Client{PublicKey: publicKey, PrivateKey: privateKey, ServerlessURL: url, IAMURL: url}
	ctx := t.Context()

	cluster, err := client.CreateCluster(ctx, tidbcloud.Cluster{
		DisplayName: "cluster", Region: "regions/aws-us-east-1", Labels: map[string]string{"example.com/owner": "web"}, SpendingLimit: 500,
	})
	if err != nil {
		t.Fatal(err)
	}
	user, err := client.CreateSQLUser(ctx, cluster.ID, tidbcloud.CreateSQLUserRequest{Name: "api", Password: "correct horse", Role: tidbcloud.RoleReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	branch, err := client.CreateBranch(ctx, cluster.ID, tidbcloud.Branch{
		DisplayName: "pr-1", Annotations: map[string]string{"pulumi.com/owner": "web"}, ParentTimestamp: cloud.Now().Format(time.RFC3339),
	}, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	_, branchesError := client.ListBranches(ctx, cluster.ID)
	ready, readyError := client.WaitUntilBranchConnectable(ctx, cluster.ID, branch.ID, nil)
	if readyError != nil {
		t.Fatal(readyError)
	}
	network := []tidbcloud.Network{{DisplayName: "office", StartIPAddress: "192.0.2.1", EndIPAddress: "192.0.2.9"}}
	_, regionsError := client.ListRegions(ctx)
	_, organizationsError := client.Organizations(ctx)
	_, listError := client.ListClusters(ctx)
	_, waitError := client.WaitUntilConnectable(ctx, cluster.ID, nil)
	_, findError := client.FindSQLUser(ctx, cluster.ID, user.FullName)
	for _, err := range []error{
		regionsError, organizationsError, listError, waitError, findError, branchesError,
		client.SetBranchPassword(ctx, cluster.ID, branch.ID, tidbcloud.FullName(ready.UserPrefix, "root"), "another horse"),
		client.ResetBranch(ctx, cluster.ID, branch.ID),
		client.DeleteBranch(ctx, cluster.ID, branch.ID),
		client.WaitUntilBranchGone(ctx, cluster.ID, branch.ID, nil),
		client.RenameCluster(ctx, cluster.ID, "renamed"),
		client.SetClusterLabels(ctx, cluster.ID, map[string]string{"team": "web"}),
		client.SetSpendingLimit(ctx, cluster.ID, 600),
		client.SetAuthorizedNetworks(ctx, cluster.ID, network),
		client.UpdateSQLUser(ctx, cluster.ID, user.FullName, tidbcloud.UpdateSQLUserRequest{Password: "another horse", Role: tidbcloud.RoleReadOnly}),
		client.DeleteSQLUser(ctx, cluster.ID, user.FullName),
		client.DeleteCluster(ctx, cluster.ID),
		client.WaitUntilGone(ctx, cluster.ID, nil),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}
