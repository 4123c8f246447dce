# Svar's set-up, build and checks. `make` alone says what there is.
#
# Every target first installs what it misses: Debian packages by apt (as root, otherwise it prints the one line to run),
# npm packages by `npm ci`, Go modules by go itself. Everything is incremental: what is there is not made again.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The steps of one target lean on each other in order, and two cores gain nothing from more.
.NOTPARALLEL:

# Without this a build as another user than the work tree's owner fails (git refuses to tell go the commit).
export GOFLAGS ?= -buildvcs=false
# No C: the binary stands alone and needs no compiler. Build, vet and linters share what go has compiled only when all say so.
export CGO_ENABLED := 0

web := agentui/web
chat := channels/chat/web
# The linter is built from source, from versions pinned in a module of its own, so that its 200 dependencies stay out of go.mod.
linter := .tools/golangci-lint
go_files = $(shell find . -name '*.go' -not -path '*/node_modules/*')
# The folders are listed too: taking a file away changes only the time of its folder.
web_sources = $(shell find $(web)/src $(web)/public) $(wildcard $(web)/*.*)
chat_sources = $(shell find $(chat)/src) $(wildcard $(chat)/*.*) $(web)/src/styles/tokens.css

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done

.PHONY: run
run: packages-run build ## install what is missing, build, and serve (ARGS="--data DIR" adds flags)
	@exec bin/svar serve $(ARGS)

.PHONY: build
build: toolchain console ## build bin/svar with the console in it
	@go build -o bin/svar ./cmd/svar

.PHONY: test
test: packages-test build lint test-console test-go test-browser ## install what is missing, and run every check and test

.PHONY: test-go
# The queue starts no goroutine. Looking for races makes it six times as slow, so its many random worlds are played without.
test-go: packages-test console
	CGO_ENABLED=1 go test -race -timeout 9m ./...
	go test -timeout 9m ./queue ./queue/simulate
	go test -run '^$$' -fuzz '^FuzzCommands$$' -fuzztime 12s -fuzzminimizetime 10x ./queue

BENCH ?= .
BENCHCOUNT ?= 1
.PHONY: bench
bench: packages-test console ## run the Go benchmarks into bench.txt (compare two with benchstat; BENCH=Step picks some)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) ./... > bench.txt || { cat bench.txt; exit 1; }
	cd tools && go tool benchstat ../bench.txt

SIP ?= SIP
.PHONY: bench-sip
bench-sip: packages-test console ## ring with sipp through the queue to sipp's desk phones (some minutes; SIP=SIPCalls picks one; SOAK=20m lengthens the soak)
	SVAR_BENCH_SIP=$(or $(SOAK),1) go test -run '^$$' -bench '^Benchmark$(SIP)' -benchtime 1x -timeout 120m ./cmd/svar

.PHONY: erlang
erlang: console ## hold the engine against Erlang's formulas and write the table in docs/erlang.md (some minutes)
	@{ sed '/^<!-- table/q' docs/erlang.md; echo; go run ./cmd/svar simulate --erlang; } > docs/erlang.md.new
	@mv docs/erlang.md.new docs/erlang.md

FUZZTIME ?= 20s
.PHONY: fuzz
fuzz: packages-test console ## run each fuzz test for FUZZTIME (default 20s)
	@set -e; for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package"; \
	  done; \
	done

.PHONY: lint
lint: toolchain console $(linter) ## check format, vet, linters, licences, and the console's types
	@unformatted=$$(gofmt -l $(go_files)); [ -z "$$unformatted" ] || { echo "gofmt would change these files; run gofmt -w on them:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	$(linter) run ./...
	cd tools && ../$(linter) run ./... && go run ./licences -root ..

.PHONY: format
format: $(linter) ## write all Go files the one way
	$(linter) fmt

# staticcheck runs inside golangci-lint (all of its checks, see .golangci.yaml): building it once more costs half a minute.
$(linter): tools/go.mod tools/go.sum
	@echo "Building the linter (a minute or two, once)"
	@cd tools && go build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

.PHONY: clean
clean: ## take away what was built (not the data)
	rm -rf bin .tools $(web)/node_modules $(chat)/node_modules
	find $(web)/dist $(chat)/dist -mindepth 1 -not -name .gitkeep -delete

.PHONY: toolchain packages-run packages-test
toolchain:
	@scripts/check-toolchain go node
packages-run: toolchain
	@scripts/debian-packages run
packages-test: toolchain
	@scripts/debian-packages test

# The console and the chat: npm packages by the lock file, then Vite.
.PHONY: console
console: $(web)/dist/index.html $(chat)/dist/index.html

%/node_modules/.installed: %/package-lock.json | toolchain
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(web)/dist/index.html: $(web)/node_modules/.installed $(web_sources)
$(chat)/dist/index.html: $(chat)/node_modules/.installed $(chat_sources)
%/dist/index.html:
	cd $* && npm run --silent build
	@touch $@ $*/dist/.gitkeep

lint: lint-console
.PHONY: lint-console
lint-console: $(web)/node_modules/.installed $(chat)/node_modules/.installed
	cd $(web) && npm run --silent check
	cd $(chat) && npm run --silent check

.PHONY: test-console
test-console: $(web)/node_modules/.installed $(chat)/node_modules/.installed
	cd $(web) && npm test --silent
	cd $(chat) && npm test --silent

.PHONY: test-browser
test-browser: packages-test build
	cd $(web) && npm run --silent e2e

.PHONY: screenshots
screenshots: packages-test build ## take the pictures in docs/screenshots anew
	cd $(web) && npm run --silent screenshots
