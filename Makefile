# Everything runs offline, apart from the package registries: see README.md.
# ARGS goes to the command, as in: make up ARGS="-c region=regions/aws-us-east-1"

ifeq ($(filter Linux Darwin,$(shell uname -s)),)
$(error this runs on Linux and macOS: on Windows use WSL)
endif

# The flags of Pulumi's Go language host: other ones would compile all once more.
FLAGS := -buildvcs=false -trimpath -ldflags "-w -s"
PLUGIN := internal/provider/pulumi-resource-tidbcloud

.DEFAULT_GOAL := help

# The user's settings of the go command stay, but for two: go.work here is needed (without it
# the whole Cloudflare SDK is compiled), and -mod does not go with it.
export GOWORK := auto
export GOFLAGS := $(filter-out -mod=%,$(shell go env GOFLAGS))

# The statement of `make sql` goes by environment, so that no shell reads it.
export Q

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

.PHONY: up
up: build ## Make the whole stack, offline, against emulated clouds
	@bin/sandbox up $(ARGS)

.PHONY: preview
preview: build ## Show what `make up` would do
	@bin/sandbox preview $(ARGS)

.PHONY: refresh
refresh: build ## Look for drift
	@bin/sandbox refresh $(ARGS)

.PHONY: down
down: build ## Remove the stack
	@bin/sandbox destroy $(ARGS)

.PHONY: output
output: build ## Print the stack's outputs
	@bin/sandbox output $(ARGS)

.PHONY: sql
sql: build ## Run one statement: make sql Q="SELECT 1" (ADMIN=1 to make tables, REAL=1 for the real stack)
	@bin/sandbox sql $(if $(value ADMIN),-admin) $(if $(value REAL),-real) $(if $(value Q),"$$Q")

.PHONY: site
site: build workerd ## Serve what `make up` deployed, on Cloudflare's runtime, at http://localhost:8788
	@bin/sandbox site $(ARGS)

# Its version and that of wrangler go together.
WORKERD := workerd@1.20261117.1

# Nothing is asked of the registry if it is there already.
.PHONY: workerd
workerd:
	@if test "$$(cat .sandbox/workerd/installed 2>/dev/null)" = "$(WORKERD)"; then :; \
	elif command -v npm >/dev/null; then npm install --silent --no-audit --no-fund --no-save --prefix .sandbox/workerd $(WORKERD) && echo "$(WORKERD)" >.sandbox/workerd/installed; \
	else echo "no npm: $(WORKERD) is not installed"; fi

.PHONY: serve
serve: build ## Run the emulated clouds alone, for any other client
	@bin/sandbox serve $(ARGS)

# One go build is faster than four. GOGC keeps the compiler and the linker below
# 1.1 GB, for small CI runners. Pulumi looks for the program under the name that
# Pulumi.yaml gives, and for the provider beside its PulumiPlugin.yaml. The provider's stamp
# is a flag of its linker alone: nothing is compiled once more, and nothing else linked.
.PHONY: build
build: slim ## Build the program, the provider and the sandbox
	@stamp=$$(go run $(FLAGS) ./internal/stamp/print) && \
	GOGC=50 go build $(FLAGS) -ldflags "./$(PLUGIN)=-w -s -X portfolio-infra/internal/provider.stamp=$$stamp" -o bin/ . ./internal/sandbox ./internal/plancheck ./$(PLUGIN)
	@ln -f bin/portfolio-infra bin/portfolio
	@ln -f bin/pulumi-resource-tidbcloud $(PLUGIN)/

.PHONY: slim
slim: ## Cut the Cloudflare SDK down to what the program uses
	@GOWORK=off go run -trimpath ./internal/slim

# The race detector needs a C compiler. It is for what has goroutines of its own, and takes
# a sample of the provider's fault list, which runs in full without it.
RACE := $(if $(shell command -v gcc || command -v clang),-race)
RACY := binding|migration|provider|rest|sandbox/.*|stack|tidbcloud

# A test on the engine waits half of its time, so more of them run than there are cores.
.PHONY: test
test: lint build npm ## Run all tests, those on the real engine too
	@bin/sandbox cli
	@$(if $(RACE),,echo "no C compiler: the tests run without the race detector")
	go test -trimpath -short -timeout 30m $(RACE) $$(go list ./... | grep -E '/internal/($(RACY))$$')
	go test -trimpath -timeout 60m -parallel 4 $$(go list ./... | grep -vE '/internal/($(RACY))$$') ./internal/provider

.PHONY: fuzz
fuzz: slim ## Run each fuzz target for a minute
	@for package in $$(go list ./...); do \
		for target in $$(go test -trimpath -list '^Fuzz' $$package | grep ^Fuzz); do \
			echo "$$package $$target"; \
			go test -trimpath -run '^$$' -fuzz "^$$target\$$" -fuzztime 1m -fuzzminimizetime 10x $$package || exit; \
		done; \
	done

# What counts is the ratio in each: machines differ, and are noisy.
.PHONY: bench
bench: build ## Measure runs with nothing to do
	@bin/sandbox cli
	go test -trimpath -run '^$$' -bench . -benchtime 5x ./internal/slim ./internal/deployment ./internal/sandbox

# Where there is npm, tests run wrangler on the same sites, build sites with frameworks, connect
# with TiDB Cloud's own JavaScript driver and with the clients that README.md names, and bundle
# what people use. Scripts of packages do not run, but for those that put a program in its place:
# node, since wrangler needs Node.js 22, and workerd.
NPM := internal/tools/npm

.PHONY: npm
npm: workerd
	@if cmp -s $(NPM)/package-lock.json .sandbox/npm/installed; then :; \
	elif command -v npm >/dev/null; then mkdir -p .sandbox/npm && cp $(NPM)/package.json $(NPM)/package-lock.json .sandbox/npm/ && \
		npm ci --silent --no-audit --no-fund --ignore-scripts --prefix .sandbox/npm && npm rebuild --silent --prefix .sandbox/npm node workerd >/dev/null && \
		cp $(NPM)/package-lock.json .sandbox/npm/installed; \
	else echo "no npm: the tests with what $(NPM)/package.json lists will be skipped"; fi

.PHONY: matrix
matrix: build ## Make every call fail in every way, kill the engine at each, run every operation on each resource, and see that the next run converges
	@bin/sandbox cli
	@go test -trimpath -count=1 -run 'Faults$$' -v ./internal/provider ./internal/binding ./internal/deployment ./internal/stack
	@MATRIX=full go test -trimpath -count=1 -timeout 0 -run 'Test(Matrix|Operations)_full$$' -v ./internal/sandbox $(ARGS)

# go mod tidy is for this module alone: in that of the Pulumi CLI it downloads a gigabyte.
# golangci-lint needs a newer Go than this module, which GOTOOLCHAIN may download; with
# the flags of the build it compiles nothing once more.
.PHONY: lint
lint: slim ## Check format, go.mod, code and the CI workflow
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	GOWORK=off go mod tidy -diff
	@cd internal/tools/golangci && GOTOOLCHAIN=auto GOWORK=off go build $(FLAGS) -o ../../../bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	GOFLAGS="$$(go env GOFLAGS) -trimpath" bin/golangci-lint run
	@cd internal/tools/actionlint && GOWORK=off go build $(FLAGS) -o ../../../bin/ github.com/rhysd/actionlint/cmd/actionlint
	bin/actionlint -shellcheck= -pyflakes=

.PHONY: clean
clean: ## Remove what was built and the sandbox
	rm -rf bin .pulumi-build .slim .sandbox go.work go.work.sum $(PLUGIN)/pulumi-resource-tidbcloud
