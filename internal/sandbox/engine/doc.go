// Package engine runs the stack's program on the real Pulumi engine, offline.
//
// The program is an inline program of the Automation API. The function that a plain
// `pulumi up` compiles and starts runs in this process instead, because the language host of Go
// is not available offline. https://www.pulumi.com/docs/iac/automation-api/
//
// Engines can run side by side in one process. An [Engine] does not change the process's
// environment or working directory: it is given both, and hands them to the CLI, the program
// and the stand-ins. The package knows no clouds; the environment says where they are.
package engine
