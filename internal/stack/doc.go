// Package stack declares what is deployed: a TiDB Cloud cluster, an API Worker
// that is told of it, a Cloudflare Pages project, and the binding by which the
// site reaches the Worker.
//
// # Order
//
// The cluster stands first and everything else waits for it: it is what can be
// refused for most reasons (its name, its region, a quota, a stranger's cluster),
// and a refused run should have written nothing. The Pages project waits for the
// Worker, because it must go before it: Cloudflare does not delete a Worker that
// the Functions of a deployed site are bound to.
//
// The Worker and the Pages project are resources of their own cloud's name. So a
// new name makes a new one first, and the old one goes last. (A Worker that a deployed
// site is still bound to stays, with Cloudflare's refusal as the run's error, until the
// site is deployed again and the next run removes it.)
//
// # Whose is it?
//
// A run that dies between an effect and the saving of the state leaves a thing
// that the state does not know. The next run must take it over or remove it, and
// must never touch what belongs to somebody else, even to another stack of the
// same name. So each state holds an owner: a random name, made once and kept by
// the engine before anything else is created ([newOwner]). The cluster bears it
// as a label and the Worker as a variable. A Pages project has no place for it,
// so there only an empty project counts as a left-over ([guard]).
//
// # Drift
//
// Pulumi looks at the world only in a refresh. For what users change by hand most
// and what breaks the site, the program and the provider look in every run: the
// program reads the Pages project, since no resource knows its bindings
// ([newBindings]), and the provider reads the cluster when it compares.
package stack
