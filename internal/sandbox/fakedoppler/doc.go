// Package fakedoppler emulates those calls of the Doppler API that managing one
// secret of a config takes: by the Terraform and Pulumi providers, by curl, by a
// client of one's own. They are
//
//   - GET /v3/configs/config/secret: https://docs.doppler.com/reference/secrets-get
//   - POST /v3/configs/config/secrets: https://docs.doppler.com/reference/secrets-update
//   - GET /v3/me: https://docs.doppler.com/reference/auth-me
//
// It is strict, because an emulator that forgives teaches its clients mistakes
// that only the real API would find. A field or a parameter that these calls do
// not need is refused, and a route that is not emulated answers an error that
// names it. Nothing is half done: a call of several changes makes all or none.
//
// # Where the values are
//
// The API tells a secret's value, so a hash of it does not do. It is kept
// encrypted (AES-256-GCM), with a key that is derived (PBKDF2) from [Cloud.Key]
// or else from the token and is in no file. [Cloud.File] thus reveals names,
// visibilities, times and lengths, and no value. A Cloud that is started anew
// with the same key answers as before. With another key it knows that a secret
// is there, and answers null in place of its value, as it does where it withholds
// one; [Cloud.Is] is then false for any value. Writing the secret heals that.
//
// A value of visibility restricted is told to machines only. To a person's token
// (dp.pt, dp.ct) it is null, see https://docs.doppler.com/docs/secret-visibility
// and https://docs.doppler.com/reference/auth-token-formats. Any other token
// counts as a machine's.
//
// # What is as published, and what is guessed
//
// Shapes and words follow the reference at https://docs.doppler.com/reference/api,
// what Doppler's own Terraform provider sends and relies on
// (https://github.com/DopplerHQ/terraform-provider-doppler), and answers of the
// real API that people have published. One of these is easily taken for a
// mistake: a secret that is not there is answered by 200, with every member of
// its value null
// (https://github.com/DopplerHQ/terraform-provider-doppler/pull/138).
//
// The words for a bad token, a project or config that is not there, and a name of
// other characters are the API's. No client may rely on these, which may differ:
//
//   - The words of all other refusals, and that all names are reserved that begin
//     with DOPPLER_.
//   - A project or config that is not there is always 404. The real API has been
//     seen to answer 400 at times, "This token does not have access to requested
//     project", which it also says of one that is there.
//   - Deleting what is not there succeeds. Renaming it is 404, and renaming to a
//     name that is taken 400.
//   - The limits of calls are those of the plan Developer, counted for the token
//     alone and in fixed minutes.
//
// # What it does not have
//
// References to other secrets: a value that holds one, ${NAME}, is refused rather
// than taken literally. Value types other than string, notes, branch configs, and
// the secrets that Doppler itself puts into each config (DOPPLER_PROJECT and its
// like). Scopes: the one token may do anything with what there is.
package fakedoppler
