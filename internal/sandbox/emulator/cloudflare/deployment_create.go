package cloudflare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	maxCommitMessage = 384      // bytes, to which wrangler's deploy.ts cuts it
	maxWorkerBundle  = maxAsset // assumed
)

// createDeployment deploys files that were uploaded before, and the parts in the request.
func createDeployment(c *call, p *project) (any, error) {
	parts, err := c.deploymentForm()
	if err != nil {
		return nil, err
	}
	d := c.cloud.newDeployment(p, string(parts["branch"]))
	d.Ended = d.Created.Add(c.cloud.deployTime())
	if d.Commit, err = readCommit(parts); err != nil {
		return nil, err
	}
	if d.Broken, err = c.checkManifest(parts[manifestPart]); err != nil {
		return nil, err
	}
	worker, bindings := &Worker{}, []map[string]any(nil)
	if bundle := parts[workerBundle]; bundle != nil {
		if worker, bindings, err = readWorkerBundle(bundle); err != nil {
			return nil, err
		}
	}
	if hash := string(parts["wrangler_config_hash"]); hash != "" {
		if err := p.setFromFile(d.Environment, hash, worker, bindings); err != nil {
			return nil, err
		}
		d.Config = p.config(d.Environment)
	}
	if parts[workerBundle] != nil {
		d.Failure = c.cloud.startFailure(*worker, d.Config)
	}
	if d.Files, err = c.cloud.blobs.addParts(parts); err != nil {
		return nil, err
	}
	p.Deployments = append(p.Deployments, d)
	return c.describeDeployment(p, d), nil
}

// readCommit reads what a new deployment says about its commit.
func readCommit(parts map[string][]byte) (commit, error) {
	made := commit{Hash: string(parts["commit_hash"]), Message: string(parts["commit_message"])}
	if len(made.Message) > maxCommitMessage {
		return commit{}, invalid("commit_message: has %d bytes, at most %d are allowed", len(made.Message), maxCommitMessage)
	}
	if dirty := string(parts["commit_dirty"]); dirty != "" {
		var err error
		if made.Dirty, err = strconv.ParseBool(dirty); err != nil {
			return commit{}, invalid("commit_dirty: must be true or false")
		}
	}
	return made, nil
}

// addParts stores the parts of a deployment that are kept, and returns their keys.
func (b *blobs) addParts(parts map[string][]byte) (keys map[string]string, err error) {
	keys = map[string]string{}
	for _, name := range deploymentParts {
		if parts[name] == nil {
			continue
		}
		if keys[name], err = b.add(parts[name]); err != nil {
			return nil, fmt.Errorf("storing %s: %w", name, err)
		}
	}
	return keys, nil
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
			return nil, invalid("%s: unknown part, or not emulated", part.Name)
		}
		parts[part.Name] = part.Content
	}
	if parts[manifestPart] == nil { // https://github.com/cloudflare/cloudflare-go/issues/4079
		return nil, refuse(http.StatusBadRequest, 8000096,
			`A "manifest" field was expected in the request body but was not provided.`)
	}
	return parts, nil
}

// readWorkerBundle reads the Functions of a deployment. They are a form, as in the upload of a
// Worker. Its boundary is only in its first line.
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
		if _, err := moduleType(part); err != nil {
			return nil, nil, err
		}
		w.Modules = append(w.Modules, part)
	}
	if !slices.ContainsFunc(w.Modules, func(m emulator.Part) bool { return m.Name == metadata.Main }) {
		return nil, nil, invalid("%s: No such module %q.", workerBundle, metadata.Main)
	}
	w.MainModule, w.CompatibilityDate, w.CompatibilityFlags = metadata.Main, metadata.Date, metadata.Flags
	return w, metadata.Bindings, nil
}
