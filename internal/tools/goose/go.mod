// The CLI of goose, which tests run. It is a module of its own, since the program needs none of the
// other databases' drivers.
module portfolio-infra/internal/tools/goose

go 1.25.11

tool github.com/pressly/goose/v3/cmd/goose

require github.com/pressly/goose/v3 v3.26.0

require (
	filippo.io/edwards25519 v1.1.0 // indirect
	github.com/go-sql-driver/mysql v1.9.3 // indirect
	github.com/joho/godotenv v1.5.1 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/mfridman/xflag v0.1.0 // indirect
	github.com/sethvargo/go-retry v0.3.0 // indirect
	github.com/ziutek/mymysql v1.5.4 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/sync v0.16.0 // indirect
)
