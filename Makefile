# Everything a developer types. `make help` lists it.

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# What the tests need beside Go, Node and make: gcc for the race detector, a browser, a database, a network laboratory.
TEST_PACKAGES := gcc libc6-dev chromium postgresql iproute2 tcpdump procps fonts-dejavu-core
BENCH_PACKAGES := fping iputils-ping wrk

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: run build assets generate test check lint bench soak vulncheck test-packages help

run: build ## build everything and serve on http://127.0.0.1:8080
	bin/echolot serve

build: assets ## build bin/echolot, one file with everything in it
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/echolot ./web

assets: static/dist/app.js ## install the pages' packages by lock file and bundle them

# npm writes this file last, so it stands for the whole folder.
static/node_modules/.package-lock.json: static/package.json static/package-lock.json
	cd static && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# Folders are listed too: their time changes when a file in them goes away.
static/dist/app.js: static/node_modules/.package-lock.json $(shell find static/src tools/assets) tools/go.mod
	cd tools && $(GO) run ./assets
	@touch $@

generate: ## generate the pages' Go code from views/*.templ
	$(GO) tool templ generate -path views

test-packages:
	tools/debian-packages $(TEST_PACKAGES)

# The race detector watches our code and all libraries but three: SQLite's C turned into Go, and the C library and the memory under
# it. Their compilation and their run cost twice as much with it; it sees little there, because it looks at Go's heap, where their
# data is not; and what our code does around them it sees as before.
RACE := -race $(foreach package,sqlite/lib libc memory,-gcflags=modernc.org/$(package)=-race=false)

test: test-packages assets ## run all tests; as root on Debian it installs what they need
	CGO_ENABLED=1 $(GO) test $(RACE) -count=1 -timeout 40m -skip '^(TestSQLiteAway|TestTenantMatrix)$$' ./...
	$(GO) test -count=1 -timeout 20m -run '^(TestSQLiteAway|TestTenantMatrix)$$' ./probe ./handlers # many requests and results, which take three times the work with the race detector

check: ## what must pass before a change lands: generated code is current, lint, test
	tools/templ-current
	$(MAKE) lint
	$(MAKE) test

lint: bin/golangci-lint assets ## find mistakes, and imports from rooms that are none of theirs
	bin/golangci-lint run ./...
	cd tools && $(GO) vet ./...

bin/golangci-lint: tools/go.mod tools/go.sum
	cd tools && CGO_ENABLED=0 $(GO) build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

bench: test-packages assets ## print the figures that the README quotes
	tools/debian-packages $(BENCH_PACKAGES)
	cd tools/lighthouse && npm ci --ignore-scripts --no-audit --no-fund
	$(GO) test -run '^$$' -bench . -benchmem -count=1 -timeout 60m -p 1 ./...

soak: test-packages assets ## the long forms of the tests, and a minute for every fuzz target; takes hours
	ECHOLOT_SOAK=1 $(GO) test -count=1 -timeout 6h -p 1 -v ./...
	tools/fuzz 60

# Where the vulnerability database lies beside the repository it is used from there, else from the network.
VULNDB := ../shared/vulndb/vulndb.tar.xz
vulncheck: assets ## look for known vulnerabilities in what the program calls
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	if [ -f $(VULNDB) ]; then tar -xJf $(VULNDB) -C "$$dir"; db="-db=file://$$dir"; fi; \
	(cd tools && $(GO) build -o "$$dir/govulncheck" golang.org/x/vuln/cmd/govulncheck) && \
	"$$dir/govulncheck" $$db ./...

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14
