# `make setup` builds .venv in this checkout; every other target uses it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements/dev.txt
STAMP  := $(VENV)/.installed
SERVERS := postgres mariadb clickhouse elasticsearch
SEED    ?= 1
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test agreement check services services-stop bench lock clean

help:  ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with the locked dependencies and segflow itself

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "segflow needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)."; \
	  echo "Name another one: make setup PYTHON=/path/to/python3.11"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) can't make virtual environments."; \
	  echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; } >&2
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the locked dependencies (about a minute the first time)"
	@$(PIP) install --quiet --progress-bar off --require-hashes --requirement $(LOCK)
	@$(PIP) install --quiet --progress-bar off --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## from YAML to a plan to deployed segments, on real purchases
	@$(BIN)/python demo/run.py

test: check  ## the checks, then every test, beside real servers
	@services/with $(SERVERS) -- $(BIN)/python -m pytest -n 2 -q

agreement: setup  ## thousands of segments on every engine, for hours; SEED=2 for others, ENGINE=spark for one
	@services/with $(SERVERS) -- $(BIN)/python -m tests.agreement.full \
	  --date "$$(date -u +%F)" --seed $(SEED) $(ENGINE:%=--engine %) $(RESUME:%=--resume)

services:  ## start the servers that tests need, on loopback, until they are stopped
	@for name in $(SERVERS); do services/start-$$name || exit 1; done

services-stop:  ## stop them
	@for name in $(SERVERS); do services/stop-$$name || exit 1; done

check: setup  ## lint, format, types, direction of imports
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { \
	  echo "not formatted as agreed; run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy
	@report=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$report" >&2; exit 1; }

bench: setup  ## measure against peers and write the table in bench/README.md
	@services/with elasticsearch -- $(BIN)/python bench/run.py

lock: setup  ## resolve pyproject.toml anew into the lock
	@$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --all-extras \
	  --strip-extras --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --output-file $(LOCK) pyproject.toml
	@{ echo '# Every dependency with all extras, pinned by hash. Made by `make lock`; do not edit.'; \
	   grep -v -e '^#' -e '^$$' $(LOCK); } > $(LOCK).new && mv $(LOCK).new $(LOCK)

clean:  ## remove .venv and what the tools cached
	@rm -rf $(VENV) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache \
	  .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
