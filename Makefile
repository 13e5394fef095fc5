# Everything runs offline, apart from downloads of packages: see README.md.
# ARGS goes to the command, as in: make up ARGS="-c region=regions/aws-us-east-1"
# STACK names another stack than dev, as in: make up STACK=pr-1

ifeq ($(filter Linux Darwin,$(shell uname -s)),)
$(error this runs on Linux and macOS: on Windows use WSL)
endif

# The flags of Pulumi's Go language host. With other flags everything would be compiled again.
FLAGS := -buildvcs=false -trimpath -ldflags "-w -s"

.DEFAULT_GOAL := help

# The user's settings of the go command stay, except for two: go.work is needed here (without it
# the whole Cloudflare SDK is compiled), and -mod does not work with it.
export GOWORK := auto
export GOFLAGS := $(filter-out -mod=%,$(shell go env GOFLAGS))

# The statement of `make sql` and the stack's name go through the environment, so that no shell
# parses them.
export Q STACK
ON := $(if $(value STACK),-stack "$$STACK")

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

.PHONY: up
up: build ## Create or update the whole stack, offline, on emulated clouds
	@bin/sandbox up $(ON) $(ARGS)

.PHONY: preview
preview: build ## Show what up would do
	@bin/sandbox preview $(ON) $(ARGS)

.PHONY: refresh
refresh: build ## Look for what was changed by hand
	@bin/sandbox refresh $(ON) $(ARGS)

.PHONY: down
down: build ## Remove the stack
	@bin/sandbox destroy $(ON) $(ARGS)

.PHONY: output
output: build ## Print the stack's outputs
	@bin/sandbox output $(ON) $(ARGS)

.PHONY: sql
sql: build ## Run one statement: make sql Q="SELECT 1" (ADMIN=1 to create tables, REAL=1 for the real stack)
	@bin/sandbox sql $(ON) $(if $(value ADMIN),-admin) $(if $(value REAL),-real) $(if $(value Q),"$$Q")

.PHONY: site
site: build runtime ## Serve what up deployed, on Cloudflare's own runtime, at http://localhost:8788, and another stack at http://NAME.localhost:8788
	@bin/sandbox site $(ARGS)

# wrangler brings Miniflare and workerd, 230 MB in all. If it is installed, the registry is not
# asked. It needs Node.js 22.12. Scripts of packages do not run, but for those of node and
# workerd, which put a program in its place.
NPM := internal/tools/npm
WRANGLER := $(shell sed -n 's/.*"wrangler": "\([0-9.]*\)".*/\1/p' $(NPM)/package.json)
NODE := node@$(shell sed -n 's/.*"node": "\([0-9.]*\)".*/\1/p' $(NPM)/package.json)

.PHONY: runtime
runtime:
	@if grep -sA1 'node_modules/wrangler": {' .sandbox/npm/node_modules/.package-lock.json | grep -q '"$(WRANGLER)"'; then :; \
	elif command -v npm >/dev/null; then \
		node=; node -e '[a, b] = process.versions.node.split("."); process.exit(a > 22 || a == 22 && b > 11 ? 0 : 1)' || node=$(NODE); \
		rm -rf .sandbox/npm && npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix .sandbox/npm wrangler@$(WRANGLER) $$node && \
		npm rebuild --silent --prefix .sandbox/npm $${node:+node} workerd >/dev/null; \
	else echo "no npm: wrangler@$(WRANGLER), with Cloudflare's runtime, is not installed"; fi

.PHONY: serve
serve: build ## Run the emulated clouds alone, for other programs
	@bin/sandbox serve $(ARGS)

# Only slim can mend a go.work, so what runs before does not read it.
.PHONY: build
build: ## Build the program, the provider and the sandbox (PARTS="cli tidb": and what else make up needs)
	@test -e bin/sandbox || echo "nothing is built here: in a few seconds it says what that takes"
	@GOWORK=off go run $(FLAGS) ./internal/sandbox/build/run $(PARTS)

# If they are missing, these are built with the program.
up preview refresh down site test bench matrix: PARTS = cli tidb
sql: PARTS = $(if $(value REAL),,cli tidb)
output: PARTS = cli
serve: PARTS = tidb

.PHONY: slim
slim: ## Cut the Cloudflare SDK down to what the program uses
	@GOWORK=off go run -trimpath ./internal/slim

# The race detector needs a C compiler. It is for packages that start goroutines. Of each fault
# list a sample runs: the whole, in make matrix, takes a quarter of an hour. Of pages it is for
# what binds and what uploads: the others compare with wrangler, for minutes.
RACE := $(if $(shell command -v gcc || command -v clang),-race)
RACY := migration|migrator|provider|rest|sandbox/.*|stack|tidbcloud

# The tests on the engine wait half of the time, so the others run beside them, and more of them
# run than there are cores. The race detector sees nothing in what wrangler serves.
.PHONY: test
test: build lint npm ## Run the linters and all tests, including those on the real engine
	@$(if $(RACE),,echo "no C compiler: the tests run without the race detector")
	@go test -trimpath -timeout 60m -parallel 6 ./internal/sandbox & engine=$$!; set -e; trap 'wait $$engine' EXIT; \
	go test -trimpath -timeout 30m $(RACE) -skip '^TestServer_wrangler$$' $$(go list ./... | grep -E '/internal/($(RACY))$$'); \
	go test -trimpath -timeout 30m -run '^TestServer_wrangler$$' ./internal/sandbox/site; \
	go test -trimpath -timeout 30m $(RACE) -run 'Bind|Unbind|Upload|TestRun|Target|Request' ./internal/pages; \
	go test -trimpath -timeout 30m $$(go list ./... | grep -vE '/internal/($(RACY)|sandbox)$$'); \
	trap - EXIT; wait $$engine

.PHONY: fuzz
fuzz: slim ## Run each fuzz target for a minute
	@for package in $$(go list ./...); do \
		for target in $$(go test -trimpath -list '^Fuzz' $$package | grep ^Fuzz); do \
			echo "$$package $$target"; \
			go test -trimpath -run '^$$' -fuzz "^$$target\$$" -fuzztime 1m -fuzzminimizetime 10x $$package || exit; \
		done; \
	done

# What counts is the ratio that each prints: machines differ, and are noisy.
.PHONY: bench
bench: build ## Measure runs that have nothing to do
	go test -trimpath -run '^$$' -bench . -benchtime 5x ./internal/slim ./internal/pages ./internal/sandbox

# Where there is npm, tests run wrangler on the same sites, build sites with frameworks, connect
# with TiDB Cloud's own JavaScript driver and with the clients that docs/database.md names, bundle
# what people use, and migrate with drizzle-kit.
.PHONY: npm
npm:
	@if cmp -s $(NPM)/package-lock.json .sandbox/npm/installed; then :; \
	elif command -v npm >/dev/null; then mkdir -p .sandbox/npm && cp -R $(NPM)/. .sandbox/npm/ && \
		npm ci --silent --no-audit --no-fund --ignore-scripts --prefix .sandbox/npm && npm rebuild --silent --prefix .sandbox/npm node workerd >/dev/null && \
		cp $(NPM)/package-lock.json .sandbox/npm/installed; \
	else echo "no npm: the tests with what $(NPM)/package.json lists will be skipped"; fi

.PHONY: matrix
matrix: build ## Fail every call, kill the engine at each, run every operation on every resource (hours)
	@MATRIX=full go test -trimpath -count=1 -timeout 0 -run '(Faults|Apply_killed)$$' -v ./internal/environment ./internal/migrator ./internal/provider ./internal/pages ./internal/stack
	@MATRIX=full go test -trimpath -count=1 -timeout 0 -run 'Test(Matrix|MatrixOfEnvironments|Operations)_full$$' -v ./internal/sandbox $(ARGS)

# go mod tidy is for this module alone: in that of the Pulumi CLI it downloads a gigabyte.
# golangci-lint needs a newer Go than this module, which GOTOOLCHAIN may download; with
# the flags of the build it compiles nothing again.
.PHONY: lint
lint: slim ## Check the format, go.mod, the code and the CI workflow
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	GOWORK=off go mod tidy -diff
	@cd internal/tools/golangci && GOTOOLCHAIN=auto GOWORK=off go build $(FLAGS) -o ../../../bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	GOFLAGS="$$(go env GOFLAGS) -trimpath" bin/golangci-lint run
	@cd internal/tools/actionlint && GOWORK=off go build $(FLAGS) -o ../../../bin/ github.com/rhysd/actionlint/cmd/actionlint
	bin/actionlint -shellcheck= -pyflakes=

.PHONY: clean
clean: ## Remove the sandbox and all that was built
	rm -rf bin .pulumi-build .slim .sandbox go.work go.work.sum internal/provider/pulumi-resource-tidbcloud/pulumi-resource-tidbcloud
