// Package clouds serves the emulated clouds on loopback addresses, keeps their state in one
// folder, and returns the environment in which a client reaches them.
//
// It does what concerns all of the emulators at once. It takes credentials and faults from the
// environment, logs calls, and keeps two processes from writing one folder. A second process
// finds the clouds of the first by a socket (see [Clouds.Share]). It also has a stand-in for the
// Doppler CLI. It knows neither Pulumi nor the stack, so any client can use it: see [Serve].
package clouds
