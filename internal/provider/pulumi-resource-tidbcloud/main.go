// Command pulumi-resource-tidbcloud is the plugin of the provider tidbcloud.
package main

import (
	"os"

	"portfolio-infra/internal/provider"
)

func main() { os.Exit(provider.Main()) }
