# One target per thing a developer does. `make demo` and `make test` need only Python 3.11+, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: setup chdb demo ui test test-slow coverage test-export lint types bench bench-inference docs lock clean

setup: $(VENV)/.runtime

# --no-deps: the lock is complete, and pip would look for hashes of extras (gql[requests]) that it lists without them.
$(VENV)/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "llma needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps --require-hashes -r requirements.lock
	$(PIP) --no-deps --editable .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(PIP) --no-deps --require-hashes -r requirements-dev.lock
	touch $@

# ClickHouse's engine, 0.5 GB: without it its tests say that they were not run. `make chdb` once, then `make test`.
chdb: $(VENV)/.chdb

$(VENV)/.chdb: requirements-chdb.lock $(VENV)/.dev
	$(PIP) --no-deps --require-hashes -r requirements-chdb.lock
	touch $@

demo: setup
	$(BIN)/llma demo

ui: setup
	DAGSTER_HOME="$$($(BIN)/llma home)" $(BIN)/dagster dev -w workspace.yaml

PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test: $(VENV)/.dev
	$(PYTEST) -m "not slow and not export" $(COVERAGE)

# What takes long by its nature, and the properties again with many examples.
test-slow: $(VENV)/.dev
	LLMA_MANY_EXAMPLES=1 $(PYTEST) -m "(slow or many) and not export"

# Apart from `make test`: tracing makes it take half as long again.
COVERAGE :=
coverage: COVERAGE := --cov --cov-report=term:skip-covered
coverage: test

# torch and optimum live apart: 1.5 GB, and older tokenizers than the runtime's.
EXPORT := .venv-export
EXPORT_PIP := $(EXPORT)/bin/python -m pip install --quiet --disable-pip-version-check --constraint export/constraints.txt

$(EXPORT)/.ready: export/constraints.txt pyproject.toml
	$(PYTHON) -m venv $(EXPORT)
	$(EXPORT_PIP) torch
	$(EXPORT_PIP) --editable '.[export]' matplotlib pytest pytest-timeout
	touch $@

test-export: $(EXPORT)/.ready
	$(EXPORT)/bin/python -m pytest -m export tests/export

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/basedpyright

bench: $(VENV)/.dev
	$(BIN)/python -m bench.scoring
	$(BIN)/python -m bench.hours

# A quiet machine for half an hour, 6 GB of memory.
bench-inference: $(EXPORT)/.ready
	$(EXPORT)/bin/python -m bench.inference

docs: $(VENV)/.dev
	$(BIN)/python -m pytest tests/docs

# The locks carry hashes and no addresses; needs uv.
lock:
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements.lock -o requirements-dev.lock
	uv pip compile -q pyproject.toml --extra chdb --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements-dev.lock -o requirements-chdb.lock

clean:
	rm -rf $(VENV) $(EXPORT) .llma .pytest_cache .ruff_cache .hypothesis .coverage
