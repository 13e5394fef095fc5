// Package emulator holds what the emulated clouds share and no client of theirs
// does: the log of calls, faults on demand, strict JSON and a file of state.
//
// An emulator is an [http.Handler]. [Server] stands in front of it, so that
// every call is logged once, whatever became of it, and any call can be made to
// fail before it takes effect or after it did.
package emulator
