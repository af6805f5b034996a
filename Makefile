# `make` alone lists the targets.

PYTHON ?= python3
RUN ?= quick
P ?=

BIN := .venv/bin
READY := .venv/.ready
# If two targets are started at the same time in a fresh clone, one of them does the set-up.
LOCKED := $(if $(shell command -v flock),flock .venv.lock,) sh -c
# The commands of an environment name its folder, and so the code that they run.
BELONGS := test ! -f $(READY) || grep -qF "$$(pwd -P)/$(BIN)/" $(BIN)/gtzan
# An environment has no packages of a user, whatever pip.conf says.
export PIP_USER := 0
INSTALL := $(BIN)/python -m pip install --quiet
EDITABLE := $(INSTALL) --no-deps --no-build-isolation -e .

define COMMANDS
from importlib.metadata import entry_points
from pip._vendor.distlib.scripts import ScriptMaker
maker = ScriptMaker(None, "$(BIN)")
maker.clobber, maker.set_mode, maker.variants = True, True, {""}
maker.make_multiple(f"{e.name} = {e.value}" for e in entry_points(group="console_scripts"))
endef
export COMMANDS

.DEFAULT_GOAL := help
.PHONY: help setup adopt book pdf test check fuzz calibration lint bench published model musicnn web lock clean

help: ## list the targets
	@echo "make <target>, with one of"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 14
	@echo
	@echo "make book RUN=gtzan GTZAN_ROOT=/data/gtzan    runs/gtzan.yml instead of runs/quick.yml"
	@echo "make book P='-p epochs=3'                     with another parameter"

setup: ## make .venv with the versions of requirements.lock
	@$(LOCKED) '$(BELONGS) || $(MAKE) --no-print-directory adopt || rm $(READY); \
	  $(MAKE) --no-print-directory --silent $(READY)'

# Without its interpreter, on another machine for example, it is made anew instead.
adopt:
	@echo ".venv was copied or moved here with its folder; writing its commands again."
	@$(BIN)/python -m venv --without-pip .venv
	@$(BIN)/python -c "$$COMMANDS"
	@$(EDITABLE)

# The mark is written last and removed first: an environment without it is incomplete,
# after a kill for example, and is made anew.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed; say 'make setup PYTHON=python3.11'."; exit 1; }
	@echo "making .venv with the versions of requirements.lock; PyTorch is most of the download."
	@test -f $(READY) || rm -rf .venv
	@rm -f $(READY)
	@test -d .venv || $(PYTHON) -m venv .venv
	@# The lock file is complete, as the check below tells; resolving it again takes time.
	$(INSTALL) --no-compile --no-deps -r requirements.lock
	$(EDITABLE)
	@# pip would compile on one core. Some packages hold templates that are no Python.
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests/' .venv/lib || true
	@# On another system or Python, packages are missing that the lock does not need.
	$(BIN)/python -m pip check || $(INSTALL) --constraint requirements.lock hatchling editables -e '.[dev]'
	$(BIN)/python -m pip check
	@touch $(READY)

book: setup ## execute what changed and build the book; prints its path last
	@$(BIN)/gtzan run $(RUN) $(P)

pdf: book ## print the book as a PDF, with Chromium; prints its path last
	@$(BIN)/python -m gtzan_lib.runner.pdf

test: setup ## run the tests that take seconds
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup ## run what takes longer: situations that users reported, long random tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m check

fuzz: setup ## try 10,000 random run files, folders of files and command lines
	$(BIN)/python -m pytest -n 2 --dist load --timeout 3600 --hypothesis-profile search tests/test_fuzz.py

calibration: setup ## check the difficulty of the synthetic corpus, for three seeds
	$(BIN)/python -m pytest -n 2 --dist load -m calibration tests/test_calibration.py

lint: setup ## check the style of code and notebooks, and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.words
	@$(BIN)/gtzan publish --check

published: setup ## measure on GTZAN what is missing, and make its pages: GTZAN_ROOT=/data/gtzan
	@$(BIN)/gtzan publish '$(GTZAN_ROOT)' $(P)

bench: setup ## measure speed, as ratios in one run
	$(BIN)/python -m benchmarks

model: setup ## train the models that come with the package, from GTZAN's log-mels and tags
	$(BIN)/python -m gtzan_lib.studies.shipped_models '$(GTZAN_ROOT)' $(P)
	$(BIN)/python -m gtzan_lib.runner.browser_models book/_static/try
	$(BIN)/python -m gtzan_lib.inference.model_cards

musicnn: setup ## convert the weights of MusiCNN again, from its wheel (29 MB)
	rm -rf .venv/musicnn && mkdir .venv/musicnn
	echo 'musicnn==0.1.0 --hash=sha256:f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa' > .venv/musicnn/wheel.txt
	$(BIN)/python -m pip download --quiet --no-deps --only-binary :all: -d .venv/musicnn -r .venv/musicnn/wheel.txt
	$(BIN)/python -m gtzan_lib.models.musicnn_conversion .venv/musicnn/*.whl
	rm -rf .venv/musicnn

web: ## build the scripts of the page "Try it" from web/, with Node.js
	cd web && npm ci && npm run build

lock: ## resolve pyproject.toml again into requirements.lock
	rm -rf .venv.resolve && $(PYTHON) -m venv .venv.resolve
	.venv.resolve/bin/python -m pip install --quiet hatchling editables -e '.[dev]'
	{ sed -n '/^#/p' requirements.lock; \
	  .venv.resolve/bin/python -m pip freeze --exclude gtzan-lib | sed -E 's/\+[a-z0-9.]+$$//'; } > requirements.lock.new
	mv requirements.lock.new requirements.lock
	rm -rf .venv.resolve

clean: ## remove what the quick run and the book build made; keep .venv and other runs
	rm -rf work/quick _build .mypy_cache .pytest_cache .ruff_cache .hypothesis
