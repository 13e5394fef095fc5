package stack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultNames(t *testing.T) {
	for name, test := range map[string]struct {
		owner, project, stack string
		want                  map[string]string
	}{
		"not renamed":            {"portfolio-dev-0123456789ab", "portfolio", "dev", nil},
		"stack renamed":          {"portfolio-dev-0123456789ab", "portfolio", "prod", map[string]string{"pagesProject": "portfolio-dev", "worker": "portfolio-dev-api", "cluster": "portfolio-dev-db"}},
		"project renamed":        {"port-folio-dev-0123456789ab", "site", "dev", map[string]string{"pagesProject": "port-folio-dev", "worker": "port-folio-dev-api", "cluster": "port-folio-dev-db", "database": "port_folio"}},
		"no owner":               {"", "portfolio", "dev", nil},
		"owner that was cut":     {strings.Repeat("a", maxOwnerSlug) + "-0123456789ab", "portfolio", "dev", nil},
		"names with odd letters": {"port-folio-dev-0123456789ab", "Port.Folio", "Dev", nil},
	} {
		if diff := cmp.Diff(test.want, defaultNames(test.owner, test.project, test.stack)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
