package deployment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

// deployer deploys one site.
type deployer struct {
	client *cloudflare.Client
	// http asks the deployment itself.
	http *http.Client
	log  io.Writer
	Request
}

func (d *deployer) deploy(ctx context.Context) (Result, error) {
	site, err := Read(d.Site, hasNode(d.Flags))
	if err != nil {
		return Result{}, fmt.Errorf("config key site: %s: %w", d.Site, err)
	}
	if site.Digest != d.Digest {
		return Result{}, fmt.Errorf("config key site: %s has changed since the plan was made: run `pulumi up` again", d.Site)
	}
	project, err := d.client.Project(ctx, d.Project)
	if err != nil {
		return Result{}, err
	}
	current := project.CanonicalDeployment
	if current != nil && !d.Overwrite && !IsOurs(current.Message(), d.Owner) {
		return Result{}, Conflict(d.Project, *current)
	}
	result := Result{Files: len(site.assets)}
	made, err := d.find(ctx)
	if err != nil {
		return Result{}, err
	}
	if made == nil {
		u := &uploader{client: d.client, project: d.Project, log: d.log}
		if result.Uploaded, err = u.upload(ctx, site.assets); err != nil {
			return Result{}, err
		}
		form, err := d.form(ctx, site, project.ProductionBranch)
		if err != nil {
			return Result{}, err
		}
		if made, err = d.create(ctx, form); err != nil {
			return Result{}, err
		}
	}
	if *made, err = d.wait(ctx, *made); err != nil {
		return Result{}, err
	}
	if err := d.probe(ctx, *made); err != nil {
		return Result{}, err
	}
	result.ID, result.URL, result.Created = made.ID, made.URL, made.CreatedOn
	for _, alias := range made.Aliases {
		if strings.HasSuffix(alias, ".pages.dev") {
			result.Alias = alias
			break
		}
	}
	return result, nil
}

// Conflict is the error of a project whose site somebody else deployed.
func Conflict(project string, d cloudflare.Deployment) error {
	return fmt.Errorf("the Pages project %q serves a deployment of %s that this stack did not make (%s): "+
		"to replace it run `pulumi config set overwriteSite true`, or take the config key site out", project, d.CreatedOn, d.ID)
}

// find looks for the deployment of this request, which an earlier run may have made and
// not lived to record. Only the newest one counts: an older one was replaced since.
func (d *deployer) find(ctx context.Context) (*cloudflare.Deployment, error) {
	newest, err := d.client.Deployments(ctx, d.Project, 1)
	if err != nil {
		return nil, err
	}
	for _, n := range newest {
		if n.Environment != cloudflare.Environments[0] {
			continue
		}
		if strings.HasSuffix(n.Message(), d.mark()) && n.LatestStage.Status != "failure" && n.LatestStage.Status != "canceled" {
			return &n, nil
		}
		return nil, nil
	}
	return nil, nil
}

// create makes the deployment. After an ambiguous result it looks for it before it makes
// another one.
func (d *deployer) create(ctx context.Context, form *rest.Body) (*cloudflare.Deployment, error) {
	for try := 1; ; try++ {
		made, err := d.client.CreateDeployment(ctx, d.Project, form)
		var e *rest.Error
		if err == nil || !errors.As(err, &e) || !e.Ambiguous || try == 3 {
			return &made, err
		}
		if found, findErr := d.find(ctx); findErr != nil || found != nil {
			return found, findErr
		}
		fmt.Fprintf(d.log, "the deployment was not made: %v\n", err)
	}
}

// form is the request of a deployment.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/api/pages/deploy.ts
func (d *deployer) form(ctx context.Context, site *Site, branch string) (*rest.Body, error) {
	manifest, err := json.Marshal(site.manifest())
	if err != nil {
		return nil, err
	}
	commit, ok := lastCommit(ctx, d.Site)
	fields := [][2]string{{"manifest", string(manifest)}, {"branch", branch}, {"commit_message", marked(commit.message, d.mark())}}
	if ok {
		fields = append(fields, [2]string{"commit_hash", commit.hash}, [2]string{"commit_dirty", strconv.FormatBool(commit.dirty)})
	}
	files, err := d.files(ctx, site)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, field := range fields {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"_headers", "_redirects", "functions-filepath-routing-config.json", "_worker.bundle", "_routes.json"} {
		if content, ok := files[name]; ok {
			if err := writePart(w, name, "application/octet-stream", content); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &rest.Body{ContentType: w.FormDataContentType(), Size: int64(b.Len()), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}}, nil
}

// files are the files of the form. Routes mean nothing without a Worker.
func (d *deployer) files(ctx context.Context, site *Site) (map[string][]byte, error) {
	files := map[string][]byte{}
	switch {
	case site.modules != nil:
		content, err := workerBundle(site.modules, site.Digest)
		if err != nil {
			return nil, err
		}
		files["_worker.bundle"] = content
	case site.functions != "":
		made, err := compileFunctions(ctx, site.functions, d.Site, d.Flags)
		if err != nil {
			return nil, err
		}
		files = made
	}
	for name, content := range site.settings {
		if name != "_routes.json" || files["_worker.bundle"] != nil {
			files[name] = content
		}
	}
	return files, nil
}

// wait waits until the deployment is live.
func (d *deployer) wait(ctx context.Context, made cloudflare.Deployment) (cloudflare.Deployment, error) {
	for pause := time.Second; ; pause = min(2*pause, 16*time.Second) {
		switch stage := made.LatestStage; {
		case stage.Name == "deploy" && stage.Status == "success":
			return made, nil
		case stage.Status == "failure" || stage.Status == "canceled":
			return made, d.failed(ctx, made, fmt.Errorf("the stage %s ended in %s", stage.Name, stage.Status))
		}
		fmt.Fprintf(d.log, "deployment %s: %s %s\n", made.ID, made.LatestStage.Name, made.LatestStage.Status)
		if err := rest.Sleep(ctx, pause); err != nil {
			return made, fmt.Errorf("waiting for the deployment %s: %w", made.ID, err)
		}
		var err error
		if made, err = d.client.Deployment(ctx, d.Project, made.ID); err != nil {
			return made, err
		}
	}
}

// probeTime is how long a new deployment may take to answer under its own address, whose
// name must be known to DNS first. Assumed.
const probeTime = time.Minute

// probe asks the deployment for its first page. The API calls a deployment a success even
// if none of its pages can be served.
func (d *deployer) probe(ctx context.Context, made cloudflare.Deployment) error {
	deadline, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	for pause := time.Second; ; pause *= 2 {
		err := d.ask(deadline, made.URL)
		if err == nil {
			return nil
		}
		if rest.Sleep(deadline, pause) != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return d.failed(ctx, made, fmt.Errorf("%s does not answer: %w", made.URL, err))
		}
	}
}

func (d *deployer) ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := d.http.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// failed adds the last line of the deployment's log to an error.
func (d *deployer) failed(ctx context.Context, made cloudflare.Deployment, err error) error {
	line, logErr := d.client.DeploymentLog(ctx, d.Project, made.ID)
	if logErr == nil && line != "" {
		err = fmt.Errorf("%w; its log ends with: %s", err, line)
	}
	return fmt.Errorf("deployment %s of %s: %w", made.ID, d.Project, err)
}

// undeploy deletes the project's deployments but the live one, which Cloudflare keeps
// (code 8000034) and deletes with the project. A project that has many cannot be deleted.
func (d *deployer) undeploy(ctx context.Context) error {
	project, err := d.client.Project(ctx, d.Project)
	if cloudflare.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	live := ""
	if project.CanonicalDeployment != nil {
		live = project.CanonicalDeployment.ID
	}
	deleted := 0
	// Deleting moves what follows to the pages before.
	for page := 1; ; {
		list, err := d.client.Deployments(ctx, d.Project, page)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		kept := 0
		for _, one := range list {
			if one.ID == live {
				kept++
				continue
			}
			if err := d.client.DeleteDeployment(ctx, d.Project, one.ID); err != nil {
				return err
			}
			if deleted++; deleted%25 == 0 {
				fmt.Fprintf(d.log, "deleted %d deployments\n", deleted)
			}
		}
		if kept == len(list) {
			page++
		}
	}
}
