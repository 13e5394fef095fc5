package stack

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"portfolio-infra/internal/cloudflare"
)

// live is what Cloudflare has under the names of the configuration. Each run reads it
// once, before it declares anything, since Pulumi looks at the world only in a refresh.
type live struct {
	// project and worker are nil where there is none.
	project *cloudflare.Project
	worker  *cloudflare.Script
	// content is the hash of the Worker's content.
	content string
	dev     cloudflare.WorkersDev
}

// look makes the four reads side by side.
func look(ctx context.Context, cfg Config) (live, error) {
	client := cfg.Cloudflare.client(cfg.AccountID)
	var (
		l      live
		wg     sync.WaitGroup
		failed [4]error
	)
	wg.Go(func() { l.project, failed[0] = there(client.Project(ctx, cfg.PagesProject)) })
	wg.Go(func() { l.worker, failed[1] = there(client.Script(ctx, cfg.Worker)) })
	wg.Go(func() {
		content, err := there(client.ScriptSHA256(ctx, cfg.Worker))
		if failed[2] = err; content != nil {
			l.content = *content
		}
	})
	wg.Go(func() { l.dev, failed[3] = client.WorkersDev(ctx, cfg.Worker) })
	wg.Wait()
	if failed[0] != nil {
		return live{}, fmt.Errorf("reading the Pages project %q to see what is there: %w", cfg.PagesProject, failed[0])
	}
	for _, err := range failed[1:] {
		if err != nil {
			return live{}, fmt.Errorf("reading the Worker %q to see what is there: %w", cfg.Worker, err)
		}
	}
	if (l.worker == nil) != (l.content == "") {
		return live{}, errors.New("the Worker was made or deleted in this moment: run it again")
	}
	return l, nil
}

// there turns the error that a thing does not exist into nil.
func there[T any](v T, err error) (*T, error) {
	if cloudflare.IsNotFound(err) {
		return nil, nil
	}
	return &v, err
}
