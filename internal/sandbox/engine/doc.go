// Package engine runs the stack's program on the real Pulumi engine, offline.
//
// The program is an inline program of the Automation API: the same function that a plain
// `pulumi up` compiles and starts runs in this process, because the language host of Go is
// not to be had offline. https://www.pulumi.com/docs/iac/automation-api/
//
// Nothing is taken from or written to the process's environment or its working directory:
// an [Engine] is given both, and hands them to the CLI, to the program and to the stand-ins.
// So engines run side by side in one process. The package knows no clouds; the environment
// says where they are.
package engine
