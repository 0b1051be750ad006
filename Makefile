# What a fresh clone needs: Python 3.10 or newer with venv, make, and a package index.

PYTHON ?= python3
SOURCES := $(shell find localrun -name '*.py')

.PHONY: demo

# Four ranks train on real data in a real conda environment, and the result is checked.
demo: .venv/.demo-installed
	@.venv/bin/python samples/demo.py

.venv/.demo-installed: pyproject.toml $(SOURCES) | .venv/bin/python
	.venv/bin/python -m pip install --quiet --disable-pip-version-check '.[testing]'
	@touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv
