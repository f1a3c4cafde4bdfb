# Works in a fresh clone with nothing but make and Python 3.11 or later; no virtual environment need be active.

PYTHON ?= $(shell for python in python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO := .venv/.demo
# uv does in seconds what pip does in a minute; where it is missing, pip serves.
PIP := $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
# The rooms without sockets and processes: what a contributor runs at every change.
CHECKED := tests/protocol tests/flow tests/geometry tests/results tests/imaging tests/formats tests/dataset \
	tests/drawing tests/test_layering.py tests/test_package.py tests/test_text.py tests/test_errors.py

.PHONY: help demo test test-engines proof check lint docs docs-serve build bench clean

help:
	@echo "make demo    score the sample photographs with demo models on this machine"
	@echo "make test    run all tests, on all cores"
	@echo "make test-engines   the tests with real Ray and Spark, in an environment of their own"
	@echo "make proof   hold every promise of docs/proof.md with its whole tests, in a quarter of an hour"
	@echo "make check   run the tests that need no sockets, in seconds"
	@echo "make lint    ruff and mypy"
	@echo "make docs    build the documentation site, in site/; make docs-serve shows it while you write"
	@echo "make build   wheels and source distributions of both packages, in dist/"
	@echo "make bench   run the benchmarks"
	@echo "make clean   remove .venv and everything made"

# The demo models are installed from the folder: they are not on the package registry.
$(INSTALLED): pyproject.toml models/pyproject.toml | $(BIN)/python
	@echo "Installing what tests, documentation and benchmarks need into .venv: once, for a minute or two."
	@$(PIP) ./models -e ".[dev]"
	@touch $@ $(DEMO)

$(DEMO): pyproject.toml models/pyproject.toml | $(BIN)/python
	@echo "Installing the client and the demo models into .venv: once."
	@$(PIP) ./models -e ".[cli,local]"
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -m venv .venv
	@test -n "$(shell command -v uv)" || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip  # old ones give up on azure-ai-ml

demo: $(DEMO)
	@$(BIN)/automl-cv demo

test: $(INSTALLED)
	@$(BIN)/python -m pytest -n auto

# Ray, Spark and MLflow are hundreds of MB, and Spark needs Java: an environment of their own, two to three minutes to make.
ENGINES := .venv-engines
$(ENGINES)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -m venv $(ENGINES)
	@$(ENGINES)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(ENGINES)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[cli,ray,spark]" pytest hypothesis numpy mlflow-skinny pandas
	@touch $@

test-engines: $(ENGINES)/.installed
	@$(ENGINES)/bin/python -m pytest --run-slow tests/engines

proof: $(INSTALLED)
	@$(BIN)/python -m tests.proof

check: $(INSTALLED)
	@$(BIN)/python -m pytest -n auto --few-examples $(CHECKED)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The variable silences an advertisement of the theme's authors, which is no warning about the site.
docs: $(INSTALLED)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(INSTALLED)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

build: $(INSTALLED)
	@rm -rf dist
	$(BIN)/python -m build --outdir dist models
	$(BIN)/python -m build --outdir dist .

bench: $(INSTALLED)
	@$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .venv-engines .venv-peers build dist site demo-output .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
