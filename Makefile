# Needs Go, g++, git and make. "lint" and "generate" fetch their own pinned tools into .tools/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GOLANGCI_VERSION := v2.15.0
GOLANGCI := .tools/bin/golangci-lint-$(GOLANGCI_VERSION)
FUZZTIME ?= 10s
SOAKTIME ?= 30m
BENCH    ?= ^BenchmarkTable
AGAINST  ?= HEAD

# What runs in a shop is one static file without C code; head office links DuckDB.
SHOP   := $(wildcard cmd/stamklant-store cmd/stamklant-till)
OFFICE := $(filter-out $(SHOP),$(wildcard cmd/stamklant-*))
SHOP_PLATFORMS := linux/amd64 linux/arm64 windows/amd64

.PHONY: help
help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all
all: generate format build lint test ## Everything before a commit

.PHONY: generate
generate: ## Write gen/ anew from api/, and the pages of docs/ that tell of it
	.tools/buf.sh generate
	go test ./internal/rpc -run '^(TestOpenAPI|TestRolesPage)$$' -update

.PHONY: build
build: ## Build the programs into bin/
	@mkdir -p bin
	$(if $(SHOP),CGO_ENABLED=0 go build -trimpath -o bin/ $(addprefix ./,$(SHOP)))
	$(if $(OFFICE),go build -trimpath -o bin/ $(addprefix ./,$(OFFICE)))

.PHONY: test
test: build ## Run all tests; ends with what was skipped, and why
	STAMKLANT_BIN='$(CURDIR)/bin' go run .tools/testsum/main.go -count=1 -timeout 14m ./...

.PHONY: race
race: build ## Run all tests under the race detector
	STAMKLANT_BIN='$(CURDIR)/bin' go run .tools/testsum/main.go -race -count=1 -timeout 30m ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s) and print a table
	FUZZTIME=$(FUZZTIME) .tools/fuzz.sh

.PHONY: bench
bench: build ## Print the figures of the README, as ratios against a bare peer; BENCH chooses rows
	STAMKLANT_BIN='$(CURDIR)/bin' go test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 120m ./internal/instore/... ./internal/office/scoring

.PHONY: soak
soak: build ## Run the long tests for SOAKTIME (30m)
	STAMKLANT_BIN='$(CURDIR)/bin' STAMKLANT_SOAK=$(SOAKTIME) go test -run '^TestSoak' -count=1 -v -timeout 0 ./internal/... ./cmd/...

.PHONY: format
format: $(GOLANGCI) ## Format Go and proto files
	$(GOLANGCI) fmt
	.tools/buf.sh format -w --path api/stamklant

.PHONY: checkformat
checkformat: $(GOLANGCI) ## Fail when a Go or proto file is not formatted
	$(GOLANGCI) fmt --diff
	.tools/buf.sh format -d --exit-code --path api/stamklant

.PHONY: vet
vet: ## Run go vet
	go vet ./...

.PHONY: lint
lint: $(GOLANGCI) ## Check Go and proto files against the house rules
	$(GOLANGCI) run ./...
	.tools/buf.sh lint

.PHONY: checkgenerate
checkgenerate: ## Fail when gen/ is not what api/ says, or validate.proto not what go.mod says
	.tools/buf.sh lint
	.tools/buf.sh format -d --exit-code --path api/stamklant
	.tools/buf.sh generate
	@test -z "$$(git status --porcelain -- gen)" || { git --no-pager diff -- gen; git status --short -- gen; echo 'gen/ is not up to date: run make generate'; exit 1; }
	@image="$$(mktemp --suffix=.binpb)"; trap 'rm -f "$$image"' EXIT; \
	.tools/buf.sh build --exclude-source-info -o "$$image"; \
	go run .tools/checkvalidate/main.go "$$image"

.PHONY: breaking
breaking: ## Fail when the API of AGAINST (a git ref, HEAD) would break; a rule from v1.0
	.tools/buf.sh breaking --against '.git#ref=$(AGAINST)'

.PHONY: crossbuild
crossbuild: ## Build what runs in a shop for every shop platform
	@for platform in $(SHOP_PLATFORMS); do \
		for program in $(SHOP); do \
			out="bin/$${platform/\//-}/"; mkdir -p "$$out"; \
			CGO_ENABLED=0 GOOS="$${platform%/*}" GOARCH="$${platform#*/}" go build -trimpath -o "$$out" "./$$program"; \
			echo "ok  $$platform  $$program"; \
		done; \
	done

.PHONY: demo
demo: build ## Run a whole chain, head office and two stores, on this machine
	bin/stamklant-demo

$(GOLANGCI):
	GOBIN='$(CURDIR)/.tools/bin' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv .tools/bin/golangci-lint $@
