package stack

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"portfolio-infra/internal/cloudflare"
)

// world is Cloudflare as the run finds it: what has the names of the configuration. Each
// run reads it once, before it declares anything, since Pulumi reads it only in a refresh.
type world struct {
	api     *cloudflare.Client
	project *cloudflare.Project // nil if there is none
	worker  *foundWorker        // nil if there is none
}

type foundWorker struct {
	cloudflare.Script
	sha256 string // of the content
	dev    cloudflare.WorkersDev
}

func readWorld(ctx context.Context, api *cloudflare.Client, project, worker string) (*world, error) {
	w := &world{api: api}
	var (
		wg                    sync.WaitGroup
		projectErr, workerErr error
	)
	wg.Go(func() { w.project, projectErr = ifExists(api.Project(ctx, project)) })
	wg.Go(func() { w.worker, workerErr = readWorker(ctx, api, worker) })
	wg.Wait()
	if projectErr != nil {
		return nil, fmt.Errorf("reading the Pages project %q: %w", project, projectErr)
	}
	return w, workerErr
}

func readWorker(ctx context.Context, api *cloudflare.Client, name string) (*foundWorker, error) {
	var (
		settings *cloudflare.Script
		sha256   *string
		dev      cloudflare.WorkersDev
		wg       sync.WaitGroup
		errs     [3]error
	)
	wg.Go(func() { settings, errs[0] = ifExists(api.Script(ctx, name)) })
	wg.Go(func() { sha256, errs[1] = ifExists(api.ScriptSHA256(ctx, name)) })
	wg.Go(func() { dev, errs[2] = api.WorkersDev(ctx, name) })
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("reading the Worker %q: %w", name, err)
		}
	}
	switch {
	case (settings == nil) != (sha256 == nil):
		return nil, errors.New("the Worker was made or deleted while it was read: run it again")
	case settings == nil:
		return nil, nil
	}
	return &foundWorker{*settings, *sha256, dev}, nil
}

// ifExists returns nil for what does not exist, in place of an error.
func ifExists[T any](v T, err error) (*T, error) {
	if err == nil {
		return &v, nil
	}
	if cloudflare.IsNotFound(err) {
		return nil, nil
	}
	return nil, err
}
