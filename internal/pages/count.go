package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"portfolio-infra/internal/cloudflare"
)

// CheckCount returns an error if a site has more files than the account's plan allows, and a
// warning if that is unknown. Only the upload token of an existing project tells, so a site
// that every plan allows costs no call. project is empty if there is none yet.
func (s *Site) CheckCount(ctx context.Context, c *cloudflare.Client, project string) (warning string, err error) {
	if len(s.assets) <= maxAssets {
		return "", nil
	}
	err = errors.New("there is no project yet to ask")
	if project != "" {
		var token string
		if token, err = c.UploadToken(ctx, project); err == nil {
			return "", checkCount(len(s.assets), claimsOf(token).MaxFiles)
		}
	}
	return fmt.Sprintf("config key site: it has %d files, and Pages takes %d on the free plan; whether yours takes more, the deployment will tell: %v",
		len(s.assets), maxAssets, err), nil
}

func checkCount(files, most int) error {
	if files <= most {
		return nil
	}
	return fmt.Errorf("config key site: it has %d files, and Pages takes %d: name a smaller folder, or take a plan that allows more", files, most)
}

// shrinkFrom is the number of files up to which a site may lose any.
const shrinkFrom = 20

// CheckShrunk returns an error if a site has lost most of its files since the last deployment,
// as after a failed build. stdin and stdout are those of deploy in the state.
func (s *Site) CheckShrunk(stdin, stdout string) error {
	var request DeployRequest
	var last DeployResult
	if json.Unmarshal([]byte(stdin), &request) != nil || json.Unmarshal([]byte(stdout), &last) != nil || request.Digest == "" {
		return nil // there is no record
	}
	found := fmt.Sprintf("%d files", len(s.assets))
	switch {
	case request.Digest == s.Digest: // already deployed
		return nil
	case last.Files > shrinkFrom && 2*len(s.assets) < last.Files:
	case len(s.assets) > 0 && s.modules == nil && s.dotfiles():
		found = "nothing but dotfiles"
	default:
		return nil
	}
	return fmt.Errorf("config key site: it has %s, and the last deployment had %d files, as after a build that failed; nothing was changed: build the site again; "+
		"or, if it is meant to be so, run `pulumi config set shrinkSite true` and remove the key after the next run", found, last.Files)
}

// dotfiles reports whether all files of the site are hidden or in hidden folders.
func (s *Site) dotfiles() bool {
	for _, a := range s.assets {
		if !strings.HasPrefix(a.name, ".") && !strings.Contains(a.name, "/.") {
			return false
		}
	}
	return true
}
