# One runner for everything. Needs Python 3.11 or newer, git and make; nothing else, and no root.
# All packages come from the two lock files, with versions and hashes, into .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that really runs and is new enough. `make PYTHON=/path/to/python3.12 test` overrides.
SUPPORTED := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo "$$name"; break; }; done)
endif

VENV := .venv
BIN := $(VENV)/bin
# Wheels only: building a source package would fetch unpinned build tools.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	--require-hashes --no-deps --only-binary :all:

.PHONY: help demo test check bench lock clean lint format types imports dependencies links coverage

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.project ## Watch Carrel work: agents in parallel, a fleet at night; in a throwaway folder
	@$(BIN)/carrel demo

test: $(VENV)/.dev ## Run every test that this machine can run
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: lint format types imports dependencies links ## Run every static check
	@echo "All checks passed."

bench: $(VENV)/.project ## Measure; prints ratios
	@for file in bench/bench_*.py; do $(BIN)/python "$$file" $(ARGS) || exit; done

coverage: $(VENV)/.dev ## Run the tests and show what they miss
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -p no:xdist $(ARGS)
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report

# --- the parts of `check`, each of which can run alone ---------------------------------------

lint: $(VENV)/.dev
	@$(BIN)/ruff check

format: $(VENV)/.dev
	@$(BIN)/ruff format --check

types: $(VENV)/.dev $(VENV)/.node
	@$(BIN)/mypy
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-logo

dependencies: $(VENV)/.dev
	@$(BIN)/deptry src

links: $(VENV)/.dev
	@$(BIN)/python -m pytest -q tests/docs/test_links.py

# --- the environment, made once and again only when a lock file changes ----------------------

$(VENV)/.made:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(SUPPORTED)' || { echo >&2 \
	"Carrel needs Python 3.11 or newer with the venv module. Install one (on Debian and Ubuntu:" \
	"apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12 test"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock $(VENV)/.made
	@echo "Installing what Carrel needs into $(VENV) ..."
	@$(INSTALL) -r requirements.lock
	@touch $@

# Editable, by the build backend that the lock file pins: no isolation, no other package.
$(VENV)/.project: pyproject.toml $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime | $(VENV)/.project
	@echo "Installing the test and check tools into $(VENV) ..."
	@$(INSTALL) -r requirements-dev.lock
	@touch $@

# pyright runs on Node.js: the machine's own, or else a pinned one.
$(VENV)/.node: requirements-node.lock $(VENV)/.made
	@node -e 'process.exit(parseInt(process.versions.node) < 18)' >/dev/null 2>&1 \
		|| $(INSTALL) -r requirements-node.lock
	@touch $@

# --- upkeep ----------------------------------------------------------------------------------

EXTRAS := --extra coder --extra notify --extra policy
UV := uv==0.13.8
# No address of a package index is ever written: uv asks the one that pip is set up with.
COMPILE = UV_DEFAULT_INDEX="$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)"; \
	test -z "$$UV_DEFAULT_INDEX" || export UV_DEFAULT_INDEX; \
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --upgrade

lock: $(VENV)/.made ## Take newer versions into the lock files
	@$(BIN)/python -m venv build/uv && build/uv/bin/pip install --quiet "$(UV)"
	@$(COMPILE) pyproject.toml $(EXTRAS) --group build --output-file requirements.lock
	@$(COMPILE) pyproject.toml $(EXTRAS) --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	@$(COMPILE) --group node --output-file requirements-node.lock
	@rm -rf build/uv

clean: ## Remove everything that make and the tools made
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
