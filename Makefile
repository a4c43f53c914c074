# Every task of this repository. 'make' alone lists them.

# Debian's own interpreter first: when root starts Lockgate, its programs run as other users, who cannot enter a Python
# that lies in root's home. Override with PYTHON=.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV   := .venv
BIN    := $(VENV)/bin
# Where 'make up' keeps its state.
LOCKGATE_HOME ?= $(CURDIR)/home
ARGS   ?=
# Three test files at a time, for they wait much: each file keeps the servers that it started to itself.
WORKERS ?= 3
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

INSTALLED := $(VENV)/.installed
TRAINABLE := $(VENV)/.trainable
TESTABLE  := $(VENV)/.testable
PEER      := .tools/localstripe/.installed
SSLYZE    := .tools/sslyze/.installed
NODE_LOCKS := $(wildcard tests/*/package-lock.json tests/*/*/package-lock.json)
NODE_STAMPS := $(NODE_LOCKS:package-lock.json=node_modules/.installed)

.DEFAULT_GOAL := help
.PHONY: help setup setup-train up test bench bench-long bench-risk lint contract processor lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv from the lock files, with .venv/bin/lockgate

up: setup ## Start everything on this machine; Ctrl-C stops it (ARGS= for 'lockgate up')
	@exec $(BIN)/lockgate up --home "$(LOCKGATE_HOME)" $(ARGS)

setup-train: $(TRAINABLE) ## Add what 'lockgate risk train' needs

test: $(TESTABLE) $(NODE_STAMPS) $(SSLYZE) ## Run the tests (ARGS= for pytest, such as ARGS='tests/cli -x')
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

bench: $(TESTABLE) $(PEER) ## Measure payments per second and CPU per payment
	$(BIN)/python -m tests.bench $(ARGS)

bench-long: $(TESTABLE) ## Measure whether the rate holds over a hundred thousand payments
	$(BIN)/python -m tests.bench --long $(ARGS)

bench-risk: $(TESTABLE) ## Measure how well risk does its work, beside the published figures (ARGS='--only G1')
	$(BIN)/python -m tests.bench.risk $(ARGS)

lint: $(TESTABLE) ## Check style, types and the architecture's never-arrows
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q $(wildcard tests/test_architecture.py tests/architecture)

contract: $(TESTABLE) ## Renew docs/dialect.md, docs/failures.md; with SAYS='what changed and why' record a change of the API
	$(BIN)/python -m tools.failures
	$(BIN)/python -m tools.contract $(if $(SAYS),--says "$(SAYS)")

processor: $(TESTABLE) ## Write a new processor adapter and its test: make processor name=acme
	@test -n "$(name)" || { echo "make processor: say which, as in 'make processor name=acme'" >&2; exit 2; }
	$(BIN)/python tools/new_processor.py $(name)

lock: ## Renew the lock files from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "make lock: uv is missing; install it with 'pip install uv'" >&2; exit 1; }
	uv pip compile $(LOCK) pyproject.toml --output-file requirements.lock
	uv pip compile $(LOCK) pyproject.toml --extra train --constraints requirements.lock --output-file requirements-train.lock
	uv pip compile $(LOCK) pyproject.toml --extra train --extra dev --constraints requirements.lock --output-file requirements-dev.lock
	echo setuptools | uv pip compile $(LOCK) - --output-file requirements-build.lock

clean: ## Remove the environment and what the checks left; never a home directory
	rm -rf $(VENV) .tools .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find tests -name node_modules -type d -prune -exec rm -rf {} +

# A week's distance from new releases: a poisoned one is usually found by then. No addresses in the files.
LOCK = --quiet --upgrade --python-version 3.11 --python-platform linux --generate-hashes --no-header --no-annotate \
       --no-emit-index-url --exclude-newer "$$(date -u -d '7 days ago' +%Y-%m-%dT%H:%M:%SZ)"

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { echo "make: Python 3.11 or newer is missing: apt-get install python3 python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than Python 3.11: name a newer one with PYTHON=" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "make: python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)

# The last step compiles ahead: programs under their own users may not write into the installation.
$(INSTALLED): requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "installing the pinned packages into $(VENV)"
	@$(PIP) --require-hashes -r requirements.lock -r requirements-build.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(TESTABLE): $(INSTALLED) requirements-dev.lock
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(TRAINABLE): $(INSTALLED) requirements-train.lock
	@echo "installing what training needs into $(VENV)"
	@$(PIP) --require-hashes -r requirements-train.lock
	@touch $@

# Only run, as a program of its own, beside ours: its licence keeps its code out of here. Without it the bench still runs.
$(PEER): tools/peers/localstripe.lock | $(BIN)/python
	@"$(PYTHON)" -m venv .tools/localstripe
	@.tools/localstripe/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r $< && touch $@ || echo "localstripe could not be installed: the bench runs without a peer"

# Only run, as a program of its own: a stranger's opinion of our listeners. Without it its tests are skipped.
$(SSLYZE): tools/peers/sslyze.lock | $(BIN)/python
	@mkdir -p .tools && "$(PYTHON)" -m venv .tools/sslyze
	@.tools/sslyze/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
	    -r $< && touch $@ || echo "sslyze could not be installed: what it would judge is skipped"

%/node_modules/.installed: %/package-lock.json
	@if command -v npm >/dev/null; then cd $* && npm ci --silent --no-audit --no-fund && touch node_modules/.installed; \
	else echo "npm is missing: tests that need it are skipped (apt-get install nodejs npm)"; fi
