package cloudflare_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"portfolio-infra/internal/sandbox/emulator/cloudflare"
	"portfolio-infra/internal/sandbox/emulator/refusal"
)

func TestRefused(t *testing.T) {
	files := map[string]string{}
	for i := range 20_001 {
		files[fmt.Sprint("/", i)] = page.key
	}
	tooMany, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	refusal.Run(t, "testdata/refused/*.txtar", func(t *testing.T, _ string) *refusal.Cloud {
		c := newClient(t, &cloudflare.Cloud{DeployTime: -1})
		c.addRecord("A", "a.example.com", "192.0.2.1")
		return &refusal.Cloud{
			Vars: map[string]string{"account": account, "projects": projects, "scripts": scripts, "records": records, "token": token, "20001 files": string(tooMany), "CR": "\r"},
			Send: func(t *testing.T, method, path string, header http.Header, body string) (int, string) {
				c := &client{t: t, cloud: c.cloud, header: maps.Clone(c.header)}
				maps.Copy(c.header, header)
				res := c.do(method, path, encoded{cmp.Or(header.Get("Content-Type"), "application/json"), body})
				return res.status, res.body
			},
			Problem: func(t *testing.T, _ int, answer string) (code, message string) {
				var res response
				if err := json.Unmarshal([]byte(answer), &res); err != nil || len(res.Errors) == 0 || res.Result != nil {
					t.Fatalf("not a refusal: %s, %v", answer, err)
				}
				for _, problem := range res.Errors {
					message += fmt.Sprintln(problem.Code, problem.Message, problem.Chain)
				}
				return fmt.Sprint(res.Errors[0].Code), message
			},
			State: c.everything,
		}
	})
}
