// Package provider is the Pulumi provider tidbcloud: clusters of TiDB Cloud Starter and
// Essential, their branches, SQL users, databases and migrations. It is built on pulumi-go-provider's
// infer, so the schema and the (de)serialization come from the Go types.
//
// # Nothing twice, nothing lost
//
// A run can die between a POST and the saving of the ID. So the POST itself carries a label,
// [OwnerLabel], and Create lists the clusters first:
//
//   - A cluster with the label is an orphan of an earlier run of this stack: it is adopted.
//   - Another cluster of the wanted name is a conflict. The error gives the `pulumi import`
//     command. With adopt: true the cluster is adopted, if its owner label is unset or
//     [FreeOwner].
//   - Otherwise Create sends a POST. If the result is ambiguous it lists again, and never sends
//     a second POST. If it finds nothing the run fails, and the next one lists first.
//   - After the POST it lists once more. If another run created the same cluster at the same
//     time, the later one deletes its own.
//
// # What was not made here stays
//
// A cluster that was adopted or imported may hold other people's databases. The label
// [MadeForLabel] tells. If it does not name the stack's owner, a destroy or a replacement
// releases the cluster: it stays, and its owner label becomes [FreeOwner], so that another stack
// can adopt it.
//
// Only the stack's own SQL users go then. Delete of the cluster removes them, because the engine
// leaves their deletes out: in the program they have the option deletedWith. A user is the
// stack's own if its name is among the cluster's logins and no such user existed when the name
// got there. If somebody takes the name between that moment and the creation of ours, that user
// counts as ours.
//
// # Init errors
//
// A known ID always gets into the state. If a wait is cancelled or times out, the error is an
// [infer.ResourceInitFailedError], and the next `pulumi up` resumes in Update.
//
// # Branches
//
// A branch is created as a cluster is: Create looks first, sends at most one POST, and looks again.
// The owner is an annotation of the branch. A list may leave annotations out, so each branch is
// read. If TiDB Cloud kept no annotations at all, which its description does not say, then only
// a name that contains the owner would tell an orphan. A bare name proves nothing: another
// repository's branch may have it. A conflict is never adopted, only imported.
//
// No call changes a branch. So every other input replaces it, and a reset is a changed token. The
// state gets the new token only after TiDB Cloud has accepted the reset. If that result is
// ambiguous and the branch is not RESTORING, the next run resets again, which does no harm: by
// then nothing else was written.
//
// Root's password is in the POST, since no call creates a user on a branch and nothing says that
// the parent's come along. Only the state has it. After an adoption, an import or an ambiguous
// POST root gets another one, and after a reset the same once more, as nobody says what a reset
// does to it. The run waits until that login works. If it is refused for good, the run fails; if
// the server cannot be reached from here, it only warns.
//
// The deletion of a branch cannot reach its parent, whatever ID the state has: the client refuses
// IDs that a server could clean into another path. An imported branch without the owner's
// annotation stays. A branch has no deletion protection, since all of it is a copy.
//
// The limits are known only by TiDB Cloud's refusal, except for an Essential parent. The error
// lists the branches of all clusters.
//
// # SQL users
//
// The name of a SQL user is unique on its cluster, but no label tells who created the user. So
// the cluster's labels decide. If the cluster was made for the given owner, an existing user of
// the wanted name counts as an orphan and gets a new password. On any other cluster it is a
// conflict until adopt: true adopts it, even if it is an orphan.
//
// Two resources of one stack with the same user would take it from each other. Check refuses the
// second one of a run. It does not see resources that `pulumi up --target` leaves out.
//
// The password comes from crypto/rand, and only the state has it. If it is lost on the way there,
// the next run sets another: a create finds the user, and an update with an ambiguous result
// leaves the state without a password. After a killed update the state has the old rotation, so
// the next run must ask for the new one again.
//
// TiDB Cloud may accept a new password late. So a run that sets one waits until it works, and
// warns if it never does. A rotation fails instead. In a stack with two alternating users the
// application would move to the rotated one next, and the other still works. The state keeps the
// password as unverified, so that the next run waits for the same one. If a login is refused
// minutes later, somebody changed the password, and the user gets another.
//
// TiDB Cloud has no call for the SQL users of a branch. So with the input root they are created by
// SQL, with privileges on one database and no role, since a branch may lack the roles. The server
// itself says what they are, and so Diff reads it: a user counts as ours if its comment names the
// branch, since a copy of it has another ID. Nobody knows who has the password of any other user of
// the name. It is dropped, and so is one at another host.
//
// # Databases
//
// The API has no databases, so they are created by SQL, always over TLS with a verified name.
// The login is an input but not a property of the database: a rotated password does not change
// the database. Delete, however, knows only the outputs. So with dropOnDelete a new login is an
// update that writes only the state.
//
// # Migrations
//
// The package migrator applies them. A preview that can log in reads the records in the database
// and plans exactly what a run would do. Otherwise, with a new cluster or a new password, it trusts
// the state; at first all files are pending.
//
// # Why Diff reads
//
// The engine compares inputs with the state. What was changed by hand shows only in a refresh,
// which few people run. So Diff reads the live resource, and a plain preview or up shows and
// repairs drift. Diff and Update compare with the same function, so a preview shows what a run
// does. One list of SQL users serves a whole run. A login with the recorded password tells
// whether somebody changed it.
//
// Diff refuses a cluster with another stack's owner label, and a rename to the name of another
// cluster. A public endpoint that is switched off is drift, too. If the cluster was made for this
// stack, a run switches it on. On another cluster somebody may have meant it, so it is an error.
//
// Diff reads nothing if the inputs alone decide (another region), or if the keys are not known
// yet. If it cannot reach TiDB Cloud or the SQL server, it warns and uses the state.
//
// # Deletion protection
//
// TiDB Cloud's API has none, so it is in the state. Pulumi's own protect is no substitute, since
// it does not bind the run that sets it. Diff refuses a replacement unless the last run recorded
// the protection as off and this one leaves it off. Delete refuses what Diff does not decide
// (`pulumi destroy`, `pulumi up --replace`), and knows only the last run's value. Turning the
// protection off writes only the state, so it works whatever became of the cluster.
//
// A cluster that cannot be found may still exist: a key of another organization gets the same 404
// and the same list. So the state records the cluster's organization, and only a key of that
// organization is believed, after a second read. Even then a missing cluster with protection is
// an error, also in a refresh: a state without it would lead to a new, empty one. If a state of an
// earlier version has no organization, somebody has to remove the cluster from it. A key of the
// same organization that is limited to another project looks exactly like a deleted cluster
// (assumed); only the protection helps.
//
// # Replacements
//
// Diff asks to delete the old resource first: both have the same name and owner, and the number
// of free clusters is limited. A replacement that Diff does not decide (`pulumi up --replace`)
// would create first, and so adopt the old cluster and then delete it. Against that, programs set
// the resource option deleteBeforeReplace.
//
// # Keys
//
// Keys from the environment stay in memory: a schema default would put them into the state. The
// first preview or run that needs them reports all missing ones together. A change of the
// provider's configuration never replaces anything, see diffConfig.
package provider
