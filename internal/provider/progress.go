package provider

import (
	"context"
	"time"

	p "github.com/pulumi/pulumi-go-provider"

	"portfolio-infra/internal/rest"
	"portfolio-infra/internal/tidbcloud"
)

// showStatus shows a wait in the Info column of Pulumi's progress display.
func showStatus(ctx context.Context, name string) tidbcloud.OnStatus {
	return showStatusOf(ctx, "cluster", name)
}

func showStatusOf(ctx context.Context, kind, name string) tidbcloud.OnStatus {
	log := p.GetLogger(ctx)
	return func(status string, waited time.Duration) {
		log.InfoStatusf("%s %s is %s, %s", kind, name, status, rest.Seconds(waited))
	}
}
