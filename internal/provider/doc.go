// Package provider is the Pulumi provider tidbcloud: clusters of TiDB Cloud Starter
// and Essential, their SQL users, and databases.
//
// # Why a provider
//
// A program that called the API itself would have to tell a preview from a run,
// create from update, and remember ids. The engine does all that for a provider:
// a preview never writes, a refresh sees drift, ids are in the state, and a run
// that was cancelled or killed is finished by the next one. The provider is built
// on pulumi-go-provider's infer, so the schema and the (de)serialization come from
// the Go types.
//
// # Nothing twice, nothing lost
//
// Between a POST and the saving of its id a run can die. So a cluster is found
// again by what the POST itself carries: the label [OwnerLabel] with the identity
// of the stack. Create looks before it asks:
//
//   - A cluster with the label is an orphan of an earlier run of this very stack
//     and is taken over.
//   - A cluster of the wanted name without it is a stranger's. It is never touched:
//     the error gives the `pulumi import` line, and adopt: true takes it over.
//   - Otherwise a POST. If its answer is ambiguous (time-out, reset, 5xx) a look
//     follows, never a second POST. If that shows nothing the run fails, and the
//     next one begins with the same look.
//   - Once the cluster is there, one more look finds a run that asked in the same
//     moment; the later of the two gives way.
//
// Once the id is known it is kept whatever happens: a wait that is cancelled or
// runs out returns [infer.ResourceInitFailedError], and the next `pulumi up` waits
// on in Update.
//
// The looks read the whole list. The API's filter for label keys with dots and
// slashes is not documented, and one that silently finds nothing would make a
// second cluster.
//
// # SQL users
//
// A SQL user cannot be made twice, since its name is unique on its cluster, but it
// has no labels either: nothing on it tells who made it. What can be told is whom
// the cluster was made for, by [MakerLabel]. So on a cluster that was made for the
// given owner an existing user of the wanted name is taken for an orphan and gets
// a new password. Anywhere else, on an adopted or imported cluster too, it is a
// stranger's, even one that a run made which died before it recorded it: adopt: true in
// one run takes that over. Two resources of one stack with the same user would take it
// from each other, and no check can see that.
//
// The password is made here, from crypto/rand, and is known to the state alone. If
// it is lost between the API and the state, the next run sets another one: a create
// finds the user, an update without an answer leaves the state without a password,
// and after one that was killed the state has the old rotation (so a rotation that
// was given for a run that was killed must be given again).
//
// A new login may lag, so a run that sets a password waits until it works, and only
// warns if it never does. A login that is refused minutes later was changed by hand, and
// gets another password; the state says when the last one was set.
//
// # Databases
//
// The API has none, so they are made by SQL, always over TLS with a verified name. A
// new login may lag, so the first connection is patient. How to connect is an input
// but no property of the database: a rotated password is no change of it. Only Delete
// needs the login from the outputs, so with dropOnDelete it is an update that writes
// nothing but the state.
//
// # Why Diff reads
//
// The engine compares what the program wants with what the state records; it learns
// of changes made by hand only in a refresh, which few people run. Here a plain
// preview or up is to show and repair them. So Diff reads the live cluster, which
// all else hangs on, with one GET: renamed or otherwise changed is an update, gone
// is a replacement (see below), each with a warning that says what was found, and
// another stack's label on it is an error. Before a rename it lists the clusters, and
// refuses the name of another one. One list of SQL users serves all diffs of a run; a
// login with the recorded password tells whether it was changed, and one more whether
// the database is there, which a refresh asks likewise. Logins are cut off after a few
// seconds, and a server that was not reached is not tried again for a while.
//
// Diff reads nothing when the inputs alone decide (another region), or when there are
// no keys yet; and if TiDB Cloud or the SQL server cannot be reached it warns and goes
// by the record.
//
// Diff and Update share one function that compares the live cluster with what is
// wanted, so a preview shows what a run does.
//
// # Rows outlive mistakes
//
// A cluster has deletionProtection, as cloud databases have it everywhere; TiDB Cloud's
// API has none, so it is kept in the state. Pulumi's own protect is no substitute: a run
// that sets it is not yet bound by it. Diff refuses a replacement if the last run had it,
// where none counts as on, or if this one turns it on. Delete refuses what Diff does not
// decide (a destroy, pulumi up --replace), and knows the value of the last run alone.
// Turning it off writes nothing but the state, so that it works whatever became of the
// cluster.
//
// A cluster that is not to be seen is not gone: a key of another organization gets the
// same 404 and the same list. So the state has the cluster's organization, the API is
// asked whose the key is, and only the right one's word counts, after a second look. With
// deletionProtection on, a missing cluster is an error even then, in a refresh too: a
// state that forgot it would lead to a new, empty one. A state of an earlier version has
// no organization, and a cluster that went missing with it is one to take out of the state
// by hand. What none of this tells is a key of the same organization that is limited to
// another project, which sees neither the cluster nor a difference (assumed): only
// deletionProtection guards against that.
//
// A change of the provider's configuration never replaces anything; see diffConfig.
//
// # Replacements
//
// Diff asks for the old resource to be deleted before the new one is made: both
// have the same name and the same owner, and free clusters are few. A replacement
// that Diff does not decide (pulumi up --replace) has the engine's order, create
// first, which would take the old cluster over and then delete it; a program sets
// the resource option deleteBeforeReplace for that.
//
// # Keys
//
// Keys come from the provider's configuration or from the environment. The latter
// are read in memory only: schema defaults would put them into the state. What is
// missing or wrong is said in one error, when a call is about to need it; previews
// of a create or an update need it too, so it is said before anything is written.
package provider
