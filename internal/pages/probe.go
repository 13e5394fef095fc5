package pages

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"portfolio-infra/internal/cloudflare"
	"portfolio-infra/internal/rest"
)

const (
	// probeTime is how long a live deployment may take to answer: the certificate of a new
	// project's host name takes minutes. Assumed.
	probeTime = 5 * time.Minute
	// noWayTime is how long pages.dev itself may be unreachable. Assumed.
	noWayTime = 10 * time.Second
	// failTime is how long a deployment that answers may answer wrongly. Assumed.
	failTime = time.Minute
	// probeTimeout limits each request.
	probeTimeout = 15 * time.Second
)

// prober fetches what a live deployment serves.
type prober struct {
	*deployer
	live cloudflare.Deployment
	// since is the time of the first request, and later that of the first answer.
	since    time.Time
	answered bool
}

// probe fetches some of what the deployment serves, since the API reports success even if it
// serves nothing. A deployment that does not run is an error. Any other wrong answer is a
// warning, since something in between may give it on purpose.
//
// No error tells a new host name, which may still come up, from a runner that may not reach it:
// the new name has no DNS record or no certificate for a while. So probe also asks pages.dev.
// If that fails too, with whatever error, the machine has no way out, and probe warns instead
// of checking.
// https://developers.cloudflare.com/pages/get-started/git-integration/ ("DNS errors")
func (d *deployer) probe(ctx context.Context, live cloudflare.Deployment, site *Site) error {
	p := &prober{deployer: d, live: live, since: time.Now()}
	for _, s := range site.samples() {
		if more, err := p.try(ctx, s); err != nil || !more {
			return err
		}
	}
	return nil
}

// try fetches a sample until the answer is right or the time is up. It reports whether it is of
// use to fetch others.
func (p *prober) try(ctx context.Context, s sample) (more bool, err error) {
	address := strings.TrimSuffix(p.live.URL, "/") + "/" + s.path
	restored := false
	for pause := time.Second; ; pause = min(2*pause, maxPause) {
		got, err := p.fetch(ctx, address, s)
		switch {
		case ctx.Err() != nil:
			return false, fmt.Errorf("fetching %s: %w; run it again", address, ctx.Err())
		case err != nil && time.Since(p.since) > probeTime:
			return false, p.failed(ctx, p.live, fmt.Errorf("%s does not answer: %w", address, err))
		case err != nil && !p.hasWay(ctx, address) && time.Since(p.since) > noWayTime:
			p.unchecked(address, fmt.Sprintf("this machine reaches neither it nor %s: %v", pagesDev, err))
			return false, nil
		case err == nil:
			if !p.answered {
				p.answered, p.since = true, time.Now()
			}
			late := time.Since(p.since) > failTime
			switch err = s.check(got); {
			case got.guarded():
				p.unchecked(address, "Cloudflare Access asks for a login there")
				return false, nil
			case err == nil:
				return true, nil
			case got.location != "":
				p.unchecked(address, "it redirects to "+got.location)
				return false, nil
			case s.poisoned(got) && !restored:
				restored = true
				p.restore(ctx, *s.asset)
			case got.status >= http.StatusInternalServerError && late:
				return false, p.failed(ctx, p.live, fmt.Errorf("%s answers with %w", address, err))
			case late:
				fmt.Fprintf(p.log, "warning: %s answers with %v: %s\n", address, err, s.cure(got))
				return true, nil
			}
		}
		fmt.Fprintf(p.log, "waiting for %s: %v\n", address, err)
		if rest.Sleep(ctx, pause) != nil {
			return false, fmt.Errorf("fetching %s: %w; run it again", address, ctx.Err())
		}
	}
}

// unchecked warns that an address was not checked.
func (p *prober) unchecked(address, reason string) {
	fmt.Fprintf(p.log, "warning: nobody checked that %s serves its pages, since %s\n", address, reason)
}

// restore uploads an asset again if Cloudflare stores other content under its key. That this
// replaces the content is assumed; wrangler's --skip-caching also uploads under existing keys.
// If it does not, the answer stays the same.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/src/pages/upload.ts
func (p *prober) restore(ctx context.Context, a asset) {
	fmt.Fprintf(p.log, "Cloudflare stores other content under the key of %s: uploading it again\n", a.name)
	if err := newUploader(p.client, p.Project, p.log).uploadBucket(ctx, bucket{a}); err != nil {
		fmt.Fprintf(p.log, "uploading it again: %v\n", err)
	}
}

// pagesDev is the address below which each deployment has its own. It answers with a page on
// Cloudflare Pages (assumed).
const pagesDev = "https://pages.dev"

// hasWay reports whether a deployment's address may be reachable: pages.dev is, or the address
// is not below it.
func (d *deployer) hasWay(ctx context.Context, address string) bool {
	if u, err := url.Parse(address); err != nil || !strings.HasSuffix(u.Hostname(), ".pages.dev") {
		return true
	}
	_, err := d.fetch(ctx, pagesDev, sample{})
	return err == nil
}

// answer is what an address answers to a sample's request.
type answer struct {
	status   int
	location string // of a redirect
	key      string // of the file that is served, if the answer tells
	other    bool   // the content is not that of the sample's asset
}

// guarded reports whether Cloudflare Access answered.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/workers-auth/src/access.ts
func (a answer) guarded() bool {
	u, err := url.Parse(a.location)
	return err == nil && strings.HasSuffix(u.Hostname(), ".cloudflareaccess.com")
}

// fetch fetches a sample from its address.
func (d *deployer) fetch(ctx context.Context, address string, s sample) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Accept-Encoding", "identity") // so that the length is that of the file
	response, err := d.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	got := answer{
		status: response.StatusCode, location: response.Header.Get("Location"),
		key: strings.Trim(strings.TrimPrefix(response.Header.Get("ETag"), "W/"), `"`),
	}
	if s.asset == nil || got.status != http.StatusOK || response.Header.Get("Content-Encoding") != "" {
		return got, nil
	}
	if s.asset.size > maxCompared {
		got.other = response.ContentLength >= 0 && response.ContentLength != s.asset.size
		return got, nil
	}
	key, _, err := encode(io.Discard, s.asset.name, io.LimitReader(response.Body, s.asset.size+1))
	got.other = key != s.asset.key
	return got, err
}
