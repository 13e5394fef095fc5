// Package clouds serves the emulated clouds on loopback addresses, with one folder for
// their state, and says in which environment a client reaches them.
//
// It has what needs all of the emulators at once: credentials and faults from the
// environment, the log of calls, the lock that keeps two processes from writing one
// folder, the socket by which a second process finds the clouds of the first (see
// [Clouds.Share]), and a stand-in for the Doppler CLI. It knows neither Pulumi nor the stack, so
// any client can use it: see [Serve].
package clouds
