// Package stack declares what is deployed: a TiDB Cloud cluster, an API Worker
// that is told of it, a Cloudflare Pages project, and the binding by which the
// site reaches the Worker.
//
// # Order
//
// First come a look at Cloudflare ([look]) and the names, which are refused before
// anything is written ([newNames]). The cluster is next and everything else waits for
// it: it is what can be refused for most reasons (its name, its region, a quota, a
// stranger's cluster), and a refused run should have written nothing. The Pages project waits for the
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
// as a label and the Worker as a variable. A Pages project has no place for it.
//
// So the names are looked at when they are new, and kept in the state: a Worker must
// bear the owner, a project must be bound to one that does, and anything else is a
// stranger's ([newNames]). What stands under a kept name and is not in the state came
// later. A project of that kind is removed and made anew if it is as the API makes one
// ([guardProject]); what it does not tell, such as deploy hooks, is the reason why the
// emptiness alone does not do. An import bears no mark: the config key adopt leaves the
// first look out, and in that run nothing is removed; the next one without it looks.
//
// # Drift
//
// Pulumi looks at the world only in a refresh. For what users change by hand most
// and what breaks the site, the program and the provider look in every run: the
// program reads the Pages project and the Worker, with its script and its workers.dev
// address ([look]), and the provider reads the cluster when it compares. What differs is
// put into a mark, an input of the resource, so that it is an update in the preview:
// of the Worker in its variable varUpload ([live.uploadNote]), of the project and its
// bindings in the command's environment ([live.bindingDrift]). A script that somebody
// else put on the Worker is refused instead ([beforeUpload]).
//
// A project that was deleted stays in the state: bind makes it again under its name,
// which is its ID.
package stack
