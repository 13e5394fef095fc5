package stack

import "net/http"

// Program is the Pulumi program with what it takes from its process, so that several can
// run in one. The zero value takes the process's own.
type Program struct {
	// Getenv looks up environment variables. Nil is [os.Getenv].
	Getenv func(string) string
	// HTTP makes the calls to Cloudflare. Nil is the default client.
	HTTP *http.Client
	// Dir is the project's folder, to which the paths in the configuration are
	// relative. Empty is the working directory, where Pulumi runs a program.
	Dir string
}
