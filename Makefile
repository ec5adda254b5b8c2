# `make check` and `make test` set up everything; they need Python 3.11+ with venv, and git.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# What shows every line and branch of spec/; the rest of the suite adds none.
SPEC_TESTS := tests/linux_cases tests/test_imbalance.py tests/test_spec_coverage_rules.py \
  tests/test_buddy_rules.py tests/test_buddy_reach.py

.PHONY: help check test lint check-deep prove prove-fast score bench mutants coverage clean

help:  ## this list
	@grep -E "^[a-z-]+:.*##" $(MAKEFILE_LIST) | sed -E "s/:[^#]*## /\t/" | expand -t 14

check: $(READY)  ## verify every subsystem: tiny sizes completely, real sizes at random
	@$(BIN)/mmoracle check

test: $(READY)  ## the test suite
	@$(BIN)/pytest -n 2

lint: $(READY)  ## style, types, formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

check-deep: $(READY)  ## the slow tier: larger sizes completely, longer histories
	@$(BIN)/mmoracle check --scope deep
	@$(BIN)/mmoracle check --scope small --steps 200000
	@$(BIN)/mmoracle check memblock --scope linux --steps 200000
	@$(BIN)/mmoracle check buddy --scope linux --steps 10000

prove: $(READY)  ## every theorem, with other solvers and all that it refutes: the ledger
	@$(BIN)/mmoracle prove --ledger

prove-fast: $(READY)  ## the theorems that take less than some two seconds
	@$(BIN)/mmoracle prove --fast

score: $(READY)  ## change one operator at a time in what theorems run: what survives
	@$(BIN)/mmoracle score

bench: $(READY)  ## ratios against named peers, and growth curves; writes docs/performance.md
	@$(BIN)/python bench/run.py --write docs/performance.md

mutants: $(READY)  ## re-inject every known bug and show what kills it
	@$(BIN)/mmoracle mutants

coverage: $(READY)  ## line and branch coverage of the specifications
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -p no:xdist $(SPEC_TESTS)
	@$(BIN)/coverage report

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mmoracle needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[prove]' --group dev
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info src/*.egg-info .coverage .hypothesis .mypy_cache \
	  .pytest_cache .ruff_cache .mmoracle
