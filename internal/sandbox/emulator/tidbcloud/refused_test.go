package tidbcloud_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/refusal"
)

func TestRefused(t *testing.T) {
	refusal.Run(t, "testdata/refused/*.txtar", func(t *testing.T, _ string) *refusal.Cloud {
		cloud := newCloud()
		cloud.File = filepath.Join(t.TempDir(), "state.json")
		c := serve(t, cloud)
		return &refusal.Cloud{
			Vars: map[string]string{},
			Send: func(t *testing.T, method, path string, _ http.Header, body string) (int, string) {
				a := c.in(t).do(method, path, body)
				return a.status, a.raw
			},
			Problem: problem,
			State: func() any { // with the hashes of passwords
				state, err := os.ReadFile(cloud.File)
				if err != nil && !os.IsNotExist(err) {
					t.Error(err)
				}
				return string(state)
			},
		}
	})
}

// problem reads a refusal of the IAM API, or of the cluster API, which hides the code in details.
func problem(t *testing.T, status int, answer string) (code, message string) {
	var e struct {
		Code           any
		Message, Error string
		Status         int
		Details        []struct{ ServingData string }
	}
	if err := json.Unmarshal([]byte(answer), &e); err != nil {
		t.Fatal(err)
	}
	if code, ok := e.Code.(string); ok && e.Status == status {
		return code, e.Error
	}
	if e.Code != float64(status) || e.Details == nil {
		t.Errorf("not an error of TiDB Cloud: %d %s", status, answer)
	}
	for _, d := range e.Details {
		return strings.TrimPrefix(d.ServingData, "bizErrorCode: "), e.Message
	}
	return fmt.Sprint(status), e.Message
}
