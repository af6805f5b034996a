# `make` alone lists the targets.

PYTHON ?= python3
RUN ?= quick
P ?=

BIN := .venv/bin
READY := .venv/.ready
# If two targets are started at the same time in a fresh clone, one of them does the set-up.
LOCKED := $(if $(shell command -v flock),flock .venv.lock,) sh -c

.DEFAULT_GOAL := help
.PHONY: help setup book test check calibration lint bench model lock clean

help: ## list the targets
	@echo "make <target>, with one of"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 14
	@echo
	@echo "make book RUN=gtzan GTZAN_ROOT=/data/gtzan    runs/gtzan.yml instead of runs/quick.yml"
	@echo "make book P='-p epochs=3'                     with another parameter"

setup: ## make .venv with the versions of requirements.lock
	@$(LOCKED) '$(MAKE) --no-print-directory $(READY)'

# The mark is written last and removed first: an environment without it is incomplete,
# after a kill for example, and is made anew.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed; say 'make setup PYTHON=python3.11'."; exit 1; }
	@test -f $(READY) || rm -rf .venv
	@rm -f $(READY)
	@test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	@touch $(READY)

book: setup ## execute what changed and build the book; prints its path last
	@$(BIN)/gtzan run $(RUN) $(P)

test: setup ## run the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup ## run what takes longer: situations that users reported, long random tests
	$(BIN)/python -m pytest -n 2 --dist load -m check

calibration: setup ## check the difficulty of the synthetic corpus, for three seeds
	$(BIN)/python -m pytest -n 2 --dist load -m calibration tests/test_calibration.py

lint: setup ## check the style of code and notebooks, and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.words

bench: setup ## measure speed, as ratios in one run
	$(BIN)/python -m benchmarks

model: setup ## train the model that comes with the package, from GTZAN's log-mels
	$(BIN)/gtzan execute shipped gtzan
	$(BIN)/python -c "from gtzan_lib.inference.zoo import SHIPPED, pack_model; from gtzan_lib.data.workspace import Workspace; \
	  w = Workspace('shipped'); pack_model(w.models / 'gtzan', SHIPPED / 'gtzan', record=w.records / 'gtzan.json')"

lock: ## resolve pyproject.toml again into requirements.lock
	rm -rf .venv.resolve && $(PYTHON) -m venv .venv.resolve
	.venv.resolve/bin/python -m pip install --quiet hatchling editables -e '.[dev]'
	{ sed -n '/^#/p' requirements.lock; \
	  .venv.resolve/bin/python -m pip freeze --exclude gtzan-lib | sed -E 's/\+[a-z0-9.]+$$//'; } > requirements.lock.new
	mv requirements.lock.new requirements.lock
	rm -rf .venv.resolve

clean: ## remove what the quick run and the book build made; keep .venv and other runs
	rm -rf work/quick _build .mypy_cache .pytest_cache .ruff_cache .hypothesis
