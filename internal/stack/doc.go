// Package stack declares what is deployed: a TiDB Cloud cluster with its logins, database
// and tables, an API Worker that connects to it, a Cloudflare Pages project, the binding
// by which the site reaches the Worker, the site itself, and a domain for it.
//
// # Order
//
// [Program.Run] reads from top to bottom. It reads the configuration ([Config]) and what
// Cloudflare has ([world]), and checks the names ([newNames]). The cluster is next, and
// everything else waits for it. A cluster is refused for most reasons (its name, its region,
// a quota, a conflict), and a refused run should have written nothing.
//
// The Worker's code waits for the migrations, since new code may need new tables. The Pages
// project waits for the Worker, so that it is deleted first: Cloudflare does not delete a
// Worker that a deployed site is bound to. The site waits for the bindings and variables: a
// deployment serves with those that the project has when it is made.
//
// The Worker and the Pages project have their cloud's names as resource names. So a new
// name creates a new one first and deletes the old one last. A Worker that a deployed site
// is still bound to stays, and the run ends with Cloudflare's refusal. Once the site is
// deployed again, the next run deletes it.
//
// The application's two logins alternate, and the Worker says which of them it uses. So a
// run of a part of the stack, or one that died, never changes the password in use
// ([newLogins]).
//
// # Ownership
//
// A run that dies between an effect and the saving of the state leaves an orphan, which
// the next run must adopt or delete. It must never touch what belongs to somebody else,
// even to another stack of the same name. So each state has an owner: a random name that
// the engine saves before anything else is created ([newOwner]). The cluster bears it as
// a label and the Worker as a variable.
//
// A Pages project has no place for it. So names are checked while they are new, and then
// kept in the state: a Worker must bear the owner, and a project must be bound to a Worker
// that does ([checkNames]). What appears later under a kept name, without being in the
// state, is an orphan. Such a project is deleted and created again if it is as the API makes
// one ([clearProject]). Emptiness alone would not do, since the API does not return all of a
// project, such as its deploy hooks.
//
// A domain and a DNS record have no place for it either, but they say when they were made.
// The state keeps since when the stack wants them ([newSince]): what is older is somebody
// else's.
//
// The engine may run a part of the program (--target, --exclude), so no resource relies on
// what another one was meant to do in the same run. A hook that deletes an orphan waits for
// the names that the state really has ([names.requireKept]).
//
// Each run asks whose the Worker is: the mark of another owner refuses the run, whatever the
// state has ([checkMark]). Two stacks that begin together under the same names may both find
// them free; [checkNewProject] says what happens then.
//
// A deployment bears the owner in its commit message. The site of somebody else is
// replaced only with consent, the config key overwriteSite ([checkServing]).
//
// An imported resource bears no owner. The config key adopt leaves the check of names out.
// In that run nothing is deleted; the next run without it checks them.
//
// A state that has lost its names, or its owner, does not tell what is there. So the run
// is refused before a write, with the lines that import and adopt ([checkLost]). The owner is
// never taken from a Worker: another stack of the same name would inherit it.
//
// # Drift
//
// Pulumi reads the clouds only in a refresh. The program and the provider read in every run
// what users change by hand most and what breaks the site: the program reads the Pages
// project with its domains, and the Worker with its script and its workers.dev address; the
// provider reads the cluster. Drift becomes a drift mark, an input of the resource, and so
// an update in the preview: of the Worker in its variable varUpload ([uploadNote]), of the
// project, its bindings and its domain in the command's environment ([bindDrift]), of the
// deployment likewise ([siteDrift]). A script that somebody else put on the Worker is refused
// instead ([checkUpload]). Settings that the config does not have are no drift: they are
// taken over ([takeOver]).
//
// A project that was deleted stays in the state. It is created again under its name, which
// is its ID ([createdOn]).
//
// # Environments
//
// A stack named pr-NUMBER is the environment of a pull request ([Environment]), and has what
// any stack has under names of its own. It takes nothing of production's: its names are made
// of the stack's, it has no domain and no protection, and pages ask not to be listed. Its
// owner begins with a mark that can be derived (internal/environment/mark). So what a run
// left that was killed is found even without the state.
//
// Its data is a cluster with seeds, or a branch of another cluster ([newServer]). A branch has
// rows of production, and whoever opens a pull request can read what its code reads. So its
// masks belong to the resource Branch: until they have run, nothing but root can log in, and
// only the provider has root's password. SQL errors of a branch are told without the server's
// text, which may quote a row.
//
// Other masks begin with another copy, which loses what was written to the last one: a mask
// that ran on masked rows could not take anything back. The ID of the cluster that is copied
// is read before anything is declared. A branch of another one replaces the branch.
//
// # Plans
//
// An input is the same in each evaluation of the program, or unknown in a preview
// ([unknownInPreview]), so that `pulumi up --plan` carries out what a preview has saved.
// Drift that appears between the two changes what the program ignores, and the plan is
// refused.
//
// # Deletes
//
// A delete takes only what its resource made and nobody else can own. The commands go with
// the project. Where the project stays, the binding is removed as it was set, and
// deployments stay. There are no delete hooks: a destroy does not run the program.
package stack
