# What a fresh clone needs: Python 3.10 or newer with venv, make, and a package index.

PYTHON ?= python3
BIN := .venv/bin
# How many tests run at a time: with engines, they wait more than they compute, even on two cores.
WORKERS ?= 4
# Bytecode as users have it, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-docker test check docs format clean

# Four ranks train on real data in a real conda environment, and the result is checked.
demo: .venv/.installed
	@$(BIN)/python samples/demo.py

# The same in containers: two nodes of two ranks, on a base image without Python. Needs a Docker engine.
demo-docker: .venv/.installed
	@$(BIN)/python samples/demo.py digits-docker

# Everything: lint, types, import contract, and every test on the real things.
test: .venv/.test-installed lint
	$(BIN)/python tests/prepare.py
	$(BIN)/python -m pytest -n $(WORKERS) --max-worker-restart 0

# What needs no engine and no network: under a minute.
check: .venv/.test-installed lint
	$(BIN)/python -m pytest -n 2 tests/unit

.PHONY: lint
lint: .venv/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd localrun/shim/path && "$(CURDIR)/$(BIN)/mypy" --config-file "$(CURDIR)/pyproject.toml" \
		--cache-dir "$(CURDIR)/.mypy_cache" -p azureml -p _localrun_shim
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run localrun/targets/launcher.sh localrun/targets/mpi/*.sh $$(find samples -name "*.sh")

# What decides (pyproject.toml names it) is reached by the unit tests, each branch of it. It takes a few minutes.
.PHONY: coverage
coverage: .venv/.test-installed
	$(BIN)/python -m coverage run -m pytest -q -n0 tests/unit
	$(BIN)/python -m coverage report --fail-under=100

# The documentation as a site, in build/site. Warnings are errors; its reference is made from the code.
docs: .venv/.test-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# Every benchmark beside its anchor, one table (benchmarks/README.md). Nothing else should run meanwhile.
.PHONY: bench
bench: .venv/.test-installed
	$(BIN)/python -m benchmarks --output benchmarks

format: .venv/.test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .demo .cache

.venv/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[testing]'
	@touch $@

.venv/.test-installed: .venv/.installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --group dev
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv .venv
