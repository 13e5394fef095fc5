// Package provider is the Pulumi provider tidbcloud: clusters of TiDB Cloud Starter and
// Essential, their SQL users, databases and migrations. It is built on pulumi-go-provider's infer, so
// the schema and the (de)serialization come from the Go types.
//
// # Nothing twice, nothing lost
//
// A run can die between a POST and the saving of the ID. So a cluster is found again by
// what the POST itself carries, the label [OwnerLabel]. Create lists the clusters first:
//
//   - One with the label is an orphan of an earlier run of this very stack: it is adopted.
//   - Another one of the wanted name is a conflict: the error gives the `pulumi import`
//     line, and adopt: true adopts it if its owner label is unset or [FreeOwner].
//   - Otherwise it sends a POST. If the result is ambiguous it lists again and never sends
//     a second POST. If nothing is found the run fails, and the next one lists first.
//   - Then it lists once more, for a run that created the same cluster at the same time;
//     the later one deletes its own.
//
// # What was not made here stays
//
// A cluster that was adopted or imported may hold other people's databases. [MadeForLabel]
// tells: if it is not this owner's, a destroy or a replacement releases the cluster. Its
// owner label becomes [FreeOwner], as the API removes no label, so that another stack can
// adopt it. Only the stack's own SQL users go. Delete does that itself: in the program they
// have the option deletedWith, with which the engine leaves their deletes out. A user is the
// stack's own if its name is among the cluster's logins and did not exist when it came there.
// Somebody's who takes the name between that and the creation of ours would count as ours.
//
// # Init errors
//
// A known ID is always kept: a wait that is cancelled or times out returns
// [infer.ResourceInitFailedError], and the next `pulumi up` resumes in Update.
//
// # SQL users
//
// A SQL user's name is unique on its cluster, but there are no labels to tell who created
// it. [MadeForLabel] tells whom the cluster was made for. On a cluster that was made for the
// given owner an existing user of the wanted name counts as an orphan and gets a new
// password. On any other, adopted and imported ones too, it is a conflict until adopt: true
// adopts it, even if it is an orphan. Two resources of one stack with the same user would
// take it from each other. Check refuses the second one of a run; it cannot see those that
// `pulumi up --target` leaves out.
//
// The password comes from crypto/rand and only the state has it. If it is lost on the way
// there, the next run sets another one: a create finds the user, an update with an ambiguous
// result leaves the state without a password, and after a killed one the state has the old
// rotation (so the new one must be given again).
//
// A new login may lag, so a run that sets a password waits until it works, and only warns
// if it never does. A rotation fails instead: in a stack with two users that alternate, the
// application moves to the rotated one next, and the other still works. The state keeps the
// password and that it is unverified, so that the next run waits for the same one. A login
// that is refused minutes later was changed by hand, and gets another password.
//
// # Databases
//
// The API has none, so they are created by SQL, always over TLS with a verified name. The
// login is an input but not a property of the database, so a rotated password is no change
// of it. Only Delete needs the login from the outputs, so with dropOnDelete a new one is an
// update that writes only the state.
//
// # Migrations
//
// The database itself says what was applied: goose's version table, so that goose's CLI works
// on the same database, and a journal beside it. TiDB's DDL is not transactional, so a
// migration is one statement that changes the schema, or any number that change rows in one
// transaction with the record of it; TiDB's own parser tells which. A run
//
//   - takes a lock on its connection, for which others wait, and sends everything on that one,
//   - writes the version and the hash of what it begins with into the journal,
//   - executes it, and
//   - records the version and marks the journal's row as finished, in one transaction.
//
// If it dies in between, the next run finds the row and executes the statement again. Only
// then the statement may meet the error that says that it was executed before. If the server
// refuses it, the row is removed, so that somebody else's table does not count as ours in the
// next run. (A run that dies before it can remove the row is not noticed.) A statement that
// would take effect twice, such as an index without a name, is refused.
//
// The finished row's hash shows that a file was changed later. What goose's CLI applied has no
// row and counts as applied; the next run that applies something records its present hash.
//
// A preview that knows the login reads both tables, and is a run without the writes. One that
// does not, since the cluster or the password is new, goes by the state: at first it takes all
// files for pending.
//
// # Why Diff reads
//
// The engine compares inputs with the state; changes made by hand show only in a refresh,
// which few people run. Here a plain preview or up shows and repairs them, so Diff reads the
// live resource. Diff and Update share one function that compares a live cluster with the
// wanted one, so a preview shows what a run does. A missing cluster is a replacement (see
// below), and another stack's label on it an error. Before a rename Diff refuses the name of
// another cluster. One list of SQL users serves all diffs of a run. A login with the recorded
// password tells whether it was changed, another one whether the database exists, and a third one which migrations it has.
//
// A public endpoint that was switched off is drift, too. On a cluster that was made for
// this stack a run switches it on; on another one somebody may have meant it, so that is an
// error.
//
// Diff reads nothing when the inputs alone decide (another region) or the keys are not known
// yet. If TiDB Cloud or the SQL server cannot be reached it warns and uses the state.
//
// # Deletion protection
//
// TiDB Cloud's API has none, so the state has it. Pulumi's own protect is no substitute: it
// does not bind the run that sets it. Diff refuses a replacement if the last run had the
// protection, where unset counts as on, or if this one turns it on. Delete refuses what Diff
// does not decide (a destroy, pulumi up --replace) and knows only the last run's value.
// Turning it off writes only the state, so it works whatever became of the cluster.
//
// A cluster that cannot be found need not be gone: a key of another organization gets the
// same 404 and the same list. So the state has the cluster's organization, and only a key of
// that one is believed, after a second read. A protected cluster that is missing is an error
// even then, in a refresh too: a state that forgot it would lead to a new, empty one. Without
// an organization in the state, from an earlier version, it must be removed from the state by
// hand. A key of the same organization that is limited to another project sees neither the
// cluster nor a difference (assumed): only the protection guards against that.
//
// # Replacements
//
// Diff asks for the old resource to be deleted first: both have the same name and owner, and
// free clusters are few. A replacement that Diff does not decide (pulumi up --replace) creates
// first, which would adopt the old cluster and then delete it; programs set the resource
// option deleteBeforeReplace against that.
//
// # Keys
//
// Keys from the environment stay in memory: schema defaults would put them into the state.
// Missing ones are reported together, by the first preview or run that needs them. A change of
// the provider's configuration never replaces anything, see diffConfig.
package provider
