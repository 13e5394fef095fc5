package stack

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"portfolio-infra/internal/cloudflare"
)

// live is what Cloudflare has under the names of the configuration. Each run reads it
// once, before it declares anything, since Pulumi reads it only in a refresh.
type live struct {
	project *cloudflare.Project // nil if there is none
	worker  *liveWorker         // nil if there is none
}

type liveWorker struct {
	cloudflare.Script
	sha256 string // of the content
	dev    cloudflare.WorkersDev
}

func readLive(ctx context.Context, client *cloudflare.Client, project, worker string) (live, error) {
	var (
		l                     live
		wg                    sync.WaitGroup
		projectErr, workerErr error
	)
	wg.Go(func() { l.project, projectErr = ifExists(client.Project(ctx, project)) })
	wg.Go(func() { l.worker, workerErr = readWorker(ctx, client, worker) })
	wg.Wait()
	if projectErr != nil {
		return live{}, fmt.Errorf("reading the Pages project %q: %w", project, projectErr)
	}
	return l, workerErr
}

func readWorker(ctx context.Context, client *cloudflare.Client, name string) (*liveWorker, error) {
	var (
		settings *cloudflare.Script
		sha256   *string
		dev      cloudflare.WorkersDev
		wg       sync.WaitGroup
		errs     [3]error
	)
	wg.Go(func() { settings, errs[0] = ifExists(client.Script(ctx, name)) })
	wg.Go(func() { sha256, errs[1] = ifExists(client.ScriptSHA256(ctx, name)) })
	wg.Go(func() { dev, errs[2] = client.WorkersDev(ctx, name) })
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
	return &liveWorker{*settings, *sha256, dev}, nil
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
