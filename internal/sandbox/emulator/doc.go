// Package emulator has what the emulated clouds share: a log of calls, faults on
// demand, rate limits, strict JSON, multipart forms and state in a file.
//
// An emulator is an [http.Handler]. A [Server] in front of it logs each call once,
// whatever its outcome, and can make any call fail before or after it takes effect.
package emulator
