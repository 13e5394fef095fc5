module example.com/pulumi-toy/sdk/v2

go 1.25

require (
	// Nothing of this is in the build, and it cannot be had.
	example.com/pulumi-toy/sdk v1.0.0 // indirect
	github.com/pulumi/pulumi/sdk/v3 v3.0.0
)
