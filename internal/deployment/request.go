package deployment

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"lukechampine.com/blake3"
)

// Request is what `portfolio deploy` and `portfolio undeploy` read as JSON. A change of it
// makes a new deployment.
type Request struct {
	AccountID string `json:"accountId"`
	Project   string `json:"project"`
	// CreatedOn is when the project was created: a new project has no deployment.
	CreatedOn string `json:"createdOn"`
	// Owner is the stack. It marks its deployments.
	Owner string `json:"owner"`
	// Site is the folder, relative to the working directory, and Digest that of its content.
	Site   string `json:"site"`
	Digest string `json:"digest"`
	// Flags are the compatibility flags of the Functions.
	Flags []string `json:"flags,omitempty"`
	// Settings stands for the bindings, variables and other settings that a deployment takes
	// from the project.
	Settings string `json:"settings"`
	// Overwrite allows to deploy over the production deployment of somebody else.
	Overwrite bool `json:"overwrite,omitempty"`
}

// Result is what `portfolio deploy` prints as JSON.
type Result struct {
	ID string `json:"id"`
	// URL is the deployment's own address, and Alias another one, or "".
	URL   string `json:"url"`
	Alias string `json:"alias"`
	// Created is a time as in RFC 3339.
	Created string `json:"created"`
	// Files is the number of files of the site, and Uploaded how many of them Cloudflare did
	// not have yet.
	Files    int `json:"files"`
	Uploaded int `json:"uploaded"`
}

func readRequest(in io.Reader) (Request, error) {
	d := json.NewDecoder(in)
	d.DisallowUnknownFields()
	var r Request
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("reading the request from standard input: %w", err)
	}
	if r.AccountID == "" || r.Project == "" || r.Owner == "" || r.Site == "" || r.Digest == "" {
		return r, errors.New("the request lacks accountId, project, owner, site or digest")
	}
	return r, nil
}

// mark ends the commit message of the deployment that a request makes. It tells which
// stack a deployment is of, and finds the deployment whose response was lost.
func (r Request) mark() string {
	sum := blake3.Sum256([]byte(r.Digest + "\n" + r.Settings))
	return fmt.Sprintf("[%s%s]", markPrefix(r.Owner), hex.EncodeToString(sum[:8]))
}

func markPrefix(owner string) string { return "pulumi " + owner + " " }

// IsOurs reports whether a deployment with that commit message is of the stack.
func IsOurs(message, owner string) bool {
	i := strings.LastIndex(message, "[")
	return i >= 0 && strings.HasPrefix(message[i+1:], markPrefix(owner)) && strings.HasSuffix(message, "]")
}
