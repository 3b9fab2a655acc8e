# What a user and a developer of Trueline run. Everything is installed into .venv and nowhere else;
# the clients that the tests run have an environment of their own inside it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# tests wait for servers and disks at times: with one process more than there are cores these are kept busy
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.DEFAULT_GOAL := help
.PHONY: help demo run test check format bench bench-small gates audit lock clean

help: ## show what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

$(VENV)/python: $(MAKEFILE_LIST)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Trueline needs Python 3.11 or newer; name one with PYTHON=python3.x"; exit 1; }
	@echo "Making a local environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian, first: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/run: $(VENV)/python requirements/run.txt pyproject.toml
	@echo "Installing Trueline into $(VENV); the engine's wheel alone is 181 MB, so the first time takes a while"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.txt
	@echo "Installing what the tests and checks need into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/clients/installed: $(VENV)/python requirements/clients.txt
	@echo "Installing the clients that the tests run into $(VENV)/clients"
	@$(BIN)/python -m venv --clear $(VENV)/clients
	@$(VENV)/clients/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --requirement requirements/clients.txt
	@touch $@

$(VENV)/audit/installed: $(VENV)/python requirements/audit.txt
	@echo "Installing what looks up advisories into $(VENV)/audit"
	@$(BIN)/python -m venv --clear $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --requirement requirements/audit.txt
	@touch $@

demo: $(VENV)/run ## load the documented example, ask for its metrics, keep serving
	@$(BIN)/trueline demo

run: $(VENV)/run ## serve the data folder
	@$(BIN)/trueline serve

# tests start hundreds of processes: what those load is compiled once, whatever the environment says
test: $(VENV)/dev $(VENV)/clients/installed ## run the whole test suite
	@echo "Running the tests"
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(VENV)/dev ## lint, format, types, import arrows
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/dev ## put the code into shape
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(VENV)/dev ## time the questions on real alerts, then beside what else one would use: an hour or two
	@$(BIN)/python bench/ait_ads.py || [ $$? = 2 ] # the real alerts are not there, and it said so
	@$(BIN)/python bench/compare.py
	@$(BIN)/python bench/reports.py --rows 10000000

bench-small: $(VENV)/dev ## the comparison at 200,000 events: a few minutes
	@$(BIN)/python bench/compare.py --rows 200000 --runs 9 --load-seconds 5

gates: $(VENV)/dev ## show that each promise is kept, at full count: six hours or more
	@$(BIN)/python gates/run.py

audit: $(VENV)/audit/installed ## look the locked packages up in an index of advisories; needs the network
	@$(BIN)/python requirements/audit.py $(VENV)/audit/bin/pip-audit

lock: $(VENV)/dev ## write the lock files anew from pyproject.toml
	@$(BIN)/python requirements/lock.py

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) demo-data
