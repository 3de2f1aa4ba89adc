# Postern. `make help` lists the targets.

SHELL     := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

# The CDK command line is pinned: npm's "latest" once pointed at a stale 3.0.0 (aws/aws-cdk#38113).
CDK           := npx --yes aws-cdk@2.1148.1
ASL_VALIDATOR := npx --yes asl-validator@4.0.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.1.4
DEADCODE      := golang.org/x/tools/cmd/deadcode@v0.52.0
GOLANGCI      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# CDK's own template validator costs seconds in every synth; lint-infra switches it on.
export CDK_VALIDATION ?= false
# Node 20 makes jsii print a banner on every run.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION ?= 18,20

LAMBDAS := $(notdir $(patsubst %/main.go,%,$(wildcard lambdas/*/main.go)))
# One flag set for everything that runs on this machine, so that the EC2 client (minutes, 3 GB) is compiled once.
HOST_FLAGS := -tags lambda.norpc -ldflags '-s -w'
# For AWS: reproducible, so that an unchanged function keeps its asset hash and is not deployed again.
AWS_FLAGS  := -tags lambda.norpc -trimpath -buildvcs=false -ldflags '-s -w -buildid='
# The race detector needs cgo.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

DEMO_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo vendors test proof race size dead e2e lint lint-infra audit sbom smoke reproducible bench reliability schedules fuzz build synth diff deploy destroy check golden clean host

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: host build/demo-assembly/Postern.template.json ## onboard a vendor on the embedded cloud (DEMO_FLAGS="-help")
	@build/bin/demo -assembly build/demo-assembly $(DEMO_FLAGS)

host:
	@mkdir -p build/host build/bin
	@[ -x build/bin/demo ] || echo "building (the first time takes some minutes: the EC2 client is large)" >&2
	@go build $(HOST_FLAGS) -o build/host/bin/ $(addprefix ./lambdas/,$(LAMBDAS)) >&2
	@go build -o build/bin/demo ./internal/demo >&2
	@go build -o build/bin/infra ./infra >&2
	@for name in $(LAMBDAS); do mkdir -p build/host/$$name && ln -f build/host/bin/$$name build/host/$$name/bootstrap; done

build/demo-assembly/Postern.template.json: build/bin/infra cdk.json infra/testdata/settings.json infra/workflow.asl.json infra/fleet.asl.json $(wildcard build/host/bin/*) | host
	@# jsii says "waitid: no child processes" in about half of its runs, and means nothing by it.
	@CDK_OUTDIR=build/demo-assembly POSTERN_ASSETS=build/host POSTERN_SETTINGS=infra/testdata/settings.json build/bin/infra 2>&1 | sed 's/Runtime process exited abnormally: waitid: no child processes//' >&2
	@touch $@
build/bin/infra: host

# Proofs do what a test does in hundreds of further ways, or compare with a simulation by others: minutes, and seldom the first to
# fail. `make test` leaves them out by name, so that everything else of their packages stays in it.
PROOFS  := ^(TestDisturbedRunsEndWell|TestSafeguardsAreNeeded|TestMachine|TestManyAtOnce|TestMoto)$$
PROVING := ./internal/proof/reliability/... ./internal/proof/load ./internal/local/states/differential

# Tests of the whole machine take ten times as long under the race detector. `make test` has it for the packages that start
# goroutines of their own; `make race` has it for all.
WHOLE      := ^internal/(proof|demo)
CONCURRENT  = $(shell grep -rlE '^[[:space:]]*go [a-z]|[a-z]\.Go\b' --include='*.go' internal | xargs -n1 dirname | sort -u | grep -vE '$(WHOLE)' | sed 's|^|./|')

test: ## every test but the proofs; the race detector runs where goroutines are started, and cgo is at hand
	go vet ./...
	go test $(RACE) -skip '$(PROOFS)' -timeout 30m $(CONCURRENT)
	go test -skip '$(PROOFS)' -timeout 30m $$(go list ./... | grep -vxF "$$(go list $(CONCURRENT))")

proof: ## the crash sweep, 100,000 schedules, hundreds at once, moto's state machines, the race detector where it takes no hour
	go test -run '$(PROOFS)' -timeout 60m $(PROVING)
	go run ./internal/proof/reliability
	go test $(RACE) -skip '$(PROOFS)' -timeout 60m $$(go list ./... | grep -vE '/internal/(proof|demo)|/events/inflight')

race: ## every test with the race detector: an hour
	go test -race -timeout 90m ./...

size: ## lines of Go by package: deployable, simulator, demo and proof, tests
	@infra/size

dead: ## functions that nothing calls, and those that only tests call
	@for tests in '' -test; do echo "deadcode $$tests"; go run $(DEADCODE) $$tests ./...; done

e2e: host ## deploy to moto, a simulation of AWS by others, and onboard there too (skipped without moto)
	@POSTERN_E2E=1 POSTERN_CDK="$(CDK)" go test -count=1 -v -run '^TestOnboardings$$' ./internal/proof/moto

lint: ## golangci-lint, as pinned here
	go run $(GOLANGCI) run

lint-infra: export CDK_VALIDATION := true
lint-infra: synth ## check the synthesized template and state machine with independent tools
	infra/lint

audit: ## known vulnerabilities and insecure code, by tools pinned here
	infra/audit $(GOVULNCHECK) $(GOLANGCI)

sbom: build ## write what the functions consist of to build/sbom.json, as CycloneDX
	go run ./infra/sbom -o build/sbom.json build/lambda/*/bootstrap

reproducible: ## build the functions from two directories, and compare
	infra/reproducible

bench: build host ## measure what has a budget, and fail past it (internal/proof/budgets.md)
	@go build $(HOST_FLAGS) -o build/bench/hello ./internal/proof/bench/hello
	@go run ./internal/proof/bench

reliability: ## break every AWS call of every scenario in every way, and write internal/proof/reliability/README.md
	@go run ./internal/proof/reliability -docs internal/proof/reliability/README.md

schedules: ## draw 100,000 orders of events, faults and people, and check the invariants in each
	@go run ./internal/proof/reliability -schedules

fuzz: ## every fuzz target for a minute each (FUZZTIME=10s for less)
	@go test -list '^Fuzz' ./... | awk '/^Fuzz/ {t[n++]=$$1} /^ok/ {for (i=0;i<n;i++) print $$2, t[i]; n=0}' | while read -r package target; do \
	  echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-60s} "$$package"; done

build: ## build the functions for AWS (arm64)
	@mkdir -p build/lambda
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build $(AWS_FLAGS) -o build/lambda/bin/ $(addprefix ./lambdas/,$(LAMBDAS))
	@for name in $(LAMBDAS); do mkdir -p build/lambda/$$name && ln -f build/lambda/bin/$$name build/lambda/$$name/bootstrap; done

synth: build ## synthesize the CloudFormation template into cdk.out
	$(CDK) synth --quiet

diff: build ## show what a deploy would change
	$(CDK) diff

# Postern, or the stack of a network in another account: Postern-NAME.
STACK ?= Postern

deploy: build ## deploy to the AWS account of the current credentials (STACK=Postern-NAME for a network of another account)
	$(CDK) deploy $(STACK)

destroy: ## remove the stack (the table of connections is kept)
	$(CDK) destroy $(STACK)

# What smoke plans; its action is plan.
SMOKE_REQUEST ?= events/plan.monte-carlo.json

smoke: ## check the deployed stack, touching nothing: a plan and IAM dry runs (SMOKE_REQUEST=file)
	@go build -o build/bin/smoke ./infra/smoke
	@build/bin/smoke -request $(SMOKE_REQUEST)

vendors: ## print the vendor catalog as a table, for docs/vendors.md
	@go run ./internal/catalog/list

golden: ## renew the golden template that the whole-machine tests run, and record what it adds to what outlives deploys
	go test ./infra -update
	go test ./events/inflight -run '^(TestSchema|TestRecordings)$$' -update

check: ## everything that CI runs, and the long proofs
	@test -z "$$(gofmt -l lambdas infra internal events)" || { gofmt -l lambdas infra internal events; echo "run gofmt -w on these"; exit 1; }
	go mod verify
	$(MAKE) test
	$(MAKE) proof
	$(MAKE) demo
	$(MAKE) lint-infra

clean: ## remove what was built
	rm -rf build cdk.out
