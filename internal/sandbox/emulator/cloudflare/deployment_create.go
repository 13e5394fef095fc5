package cloudflare

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"portfolio-infra/internal/sandbox/emulator"
)

// The names of the parts of a deployment that hold files.
const (
	manifestPart = "manifest"
	workerBundle = "_worker.bundle"
)

// deploymentParts are the parts of a new deployment that are kept as they are.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
var deploymentParts = []string{
	manifestPart, workerBundle, "_headers", "_redirects", "_routes.json", "functions-filepath-routing-config.json",
}

// deploymentTexts are the other parts.
var deploymentTexts = []string{
	"branch", "commit_hash", "commit_message", "commit_dirty", "wrangler_config_hash", "pages_build_output_dir",
}

const (
	maxCommitMessage = 384      // bytes, as wrangler cuts it
	maxWorkerBundle  = 25 << 20 // https://developers.cloudflare.com/pages/functions/advanced-mode/
)

// createDeployment deploys files that were uploaded before, and the parts that come
// with it.
func createDeployment(c *call, p *project) (any, error) {
	parts, err := c.deploymentForm()
	if err != nil {
		return nil, err
	}
	text := func(name string) string { return string(parts[name]) }
	if parts[manifestPart] == nil { // https://github.com/cloudflare/cloudflare-go/issues/4079
		return nil, refuse(http.StatusBadRequest, 8000096,
			`A "manifest" field was expected in the request body but was not provided.`)
	}
	d := c.cloud.newDeployment(p, text("branch"))
	d.Ended = d.Created.Add(c.cloud.deployTime())
	d.Commit = commit{Hash: text("commit_hash"), Message: text("commit_message")}
	if len(d.Commit.Message) > maxCommitMessage {
		return nil, invalid("commit_message: has %d bytes, at most %d are allowed", len(d.Commit.Message), maxCommitMessage)
	}
	if dirty := text("commit_dirty"); dirty != "" {
		if d.Commit.Dirty, err = strconv.ParseBool(dirty); err != nil {
			return nil, invalid("commit_dirty: must be true or false")
		}
	}
	files, err := c.readManifest(parts[manifestPart])
	if err != nil {
		return nil, err
	}
	intact, err := files.check(c.cloud.blobs)
	if err != nil {
		return nil, err
	}
	d.Broken = !intact
	worker, bindings := &Worker{}, []map[string]any(nil)
	if bundle := parts[workerBundle]; bundle != nil {
		if worker, bindings, err = readWorkerBundle(bundle); err != nil {
			return nil, err
		}
	}
	d.Files = map[string]string{}
	for _, name := range deploymentParts {
		if parts[name] == nil {
			continue
		}
		if d.Files[name], err = c.cloud.blobs.add(parts[name]); err != nil {
			return nil, err
		}
	}
	if c.cloud.DeployError != nil {
		d.Failure = c.cloud.DeployError(p.Name, d.Branch)
	}
	if hash := text("wrangler_config_hash"); hash != "" {
		p.setFromFile(d.Environment, hash, worker, bindings)
		d.Config = p.config(d.Environment)
	}
	p.Deployments = append(p.Deployments, d)
	return c.describeDeployment(p, d), nil
}

// deploymentForm reads the form of a new deployment.
func (c *call) deploymentForm() (map[string][]byte, error) {
	form, err := emulator.ReadForm(c.Request)
	if errors.Is(err, http.ErrNotMultipart) {
		return nil, invalid("Content-Type must be 'multipart/form-data'")
	}
	if err != nil {
		return nil, invalid("%v", err)
	}
	parts := map[string][]byte{}
	for _, part := range form {
		if !slices.Contains(deploymentParts, part.Name) && !slices.Contains(deploymentTexts, part.Name) {
			return nil, invalid("%s: unknown part", part.Name)
		}
		parts[part.Name] = part.Content
	}
	return parts, nil
}

// readWorkerBundle reads the Functions of a deployment. They are a form, as in the
// upload of a Worker, whose boundary only its first line tells.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/create-worker-bundle-contents.ts
func readWorkerBundle(bundle []byte) (w *Worker, bindings []map[string]any, err error) {
	if len(bundle) > maxWorkerBundle {
		return nil, nil, invalid("%s: has %d bytes, at most %d are allowed", workerBundle, len(bundle), maxWorkerBundle)
	}
	line, _, _ := bytes.Cut(bundle, []byte("\r\n"))
	boundary, ok := strings.CutPrefix(string(line), "--")
	if !ok || boundary == "" {
		return nil, nil, invalid("%s: must be a multipart form", workerBundle)
	}
	contentType := mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": boundary})
	parts, err := emulator.ReadForm(&http.Request{
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(bundle)),
	})
	if err != nil {
		return nil, nil, invalid("%s: %v", workerBundle, err)
	}
	var metadata struct {
		Main     string           `json:"main_module"`
		Date     string           `json:"compatibility_date"`
		Flags    []string         `json:"compatibility_flags"`
		Bindings []map[string]any `json:"bindings"`
	}
	w = &Worker{}
	for _, part := range parts {
		if part.Name == "metadata" {
			if err := json.Unmarshal(part.Content, &metadata); err != nil {
				return nil, nil, invalid("%s: metadata: must be a JSON object", workerBundle)
			}
			continue
		}
		mediaType, _, _ := mime.ParseMediaType(part.Type)
		if _, known := isESModule[mediaType]; !known {
			return nil, nil, invalid("%s: %s: not a type of module", workerBundle, part.Name)
		}
		w.Modules = append(w.Modules, part)
	}
	if !slices.ContainsFunc(w.Modules, func(m emulator.Part) bool { return m.Name == metadata.Main }) {
		return nil, nil, invalid("%s: No such module %q.", workerBundle, metadata.Main)
	}
	w.MainModule, w.CompatibilityDate, w.CompatibilityFlags = metadata.Main, metadata.Date, metadata.Flags
	return w, metadata.Bindings, nil
}
