# Everything here works in an environment of its own (.venv); nothing else on the machine is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BROWSER := $(VENV)/.browser

.DEFAULT_GOAL := help
.PHONY: help demo test test-plugins lint bench bench-own profile coverage soak docs schemas clean

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'flowpar needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 3; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@# Where Python may write no bytecode, each command would compile all of it anew, in 0.2 s.
	$(BIN)/python -m compileall -q flowpar
	touch $@

demo: $(READY) ## Run a real workflow and show its result
	$(BIN)/flowpar run workflows/quickstart.yaml

$(BROWSER): $(READY) tests/browser.sh
	@sh tests/browser.sh $(VENV)
	@touch $@

test: $(READY) $(BROWSER) ## Run the whole suite, as CI does
	$(BIN)/python -m pytest -n auto -m 'not soak'

test-plugins: $(READY) ## Run each plugin's own tests
	@# A test of a server that is not installed is left out; where this user may install it, it is there.
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends postgresql; } \
	  >/dev/null 2>&1 || echo "PostgreSQL could not be installed: its tests are left out"
	@set -e; for plugin in plugins/*/; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable "$$plugin[tests]"; \
	  echo "== $$plugin"; $(BIN)/python -m pytest -c "$${plugin}pyproject.toml" --rootdir "$$plugin" "$$plugin"; \
	done

lint: $(READY) ## Style, types and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@set -e; for plugin in plugins/*/; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable "$$plugin[tests]"; \
	  (cd "$$plugin" && "$(CURDIR)/$(BIN)/mypy" src); \
	done
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(READY) ## Measure, beside other engines (NAMES="launch warm" for some, bench-own for ours alone)
	$(BIN)/python -m benchmarks $(NAMES)

bench-own: $(READY) ## Measure without other engines, about a quarter of an hour
	$(BIN)/python -m benchmarks --no-peers

profile: $(READY) ## Where the time of a task and of a start goes
	$(BIN)/python -m benchmarks.profiles

coverage: $(READY) ## Branch coverage of what all promises rest on, killed processes included
	$(BIN)/python -m benchmarks.branches

soak: $(READY) ## The long runs: repeated kills, fuzzing, every start method
	$(BIN)/python -m pytest -m soak --timeout 3600

docs: $(READY) ## Run everything the documents show
	$(BIN)/python -m pytest -q tests/docs

schemas: $(READY) ## Write the JSON Schemas anew
	$(BIN)/flowpar schema --no-plugins > schemas/workflow.schema.json
	$(BIN)/python -m flowpar.record.event_schema schemas/event.schema.json

clean: ## Remove the environment and caches
	rm -rf $(VENV) .venv-bench .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* dist build
