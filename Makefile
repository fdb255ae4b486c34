# `make demo` and `make test` work on a fresh machine with Python 3.11 or later: each creates .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Small models and several threads fight over a small machine; one thread is faster on it.
export OMP_NUM_THREADS ?= 1
JOBS ?= 2
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE ?= 1

# Python compiles a module when it is first imported; compiling all 22,000 beforehand costs a minute.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

.PHONY: demo dev test lint types suite slow docs notebooks real-models clean

demo: $(VENV)/.installed
	@test -f runs/demo.yaml || $(BIN)/sts-eval init --lab runs/demo.yaml > /dev/null
	$(BIN)/sts-eval run runs/demo.yaml --jobs $(JOBS)
	@printf '%s\n' '' 'With a model and a training set of your own:' \
	  '  $(BIN)/sts-eval list saes MODEL          # the SAEs that are known for it' \
	  '  $(BIN)/sts-eval predict --quick --model MODEL --sft my_data.jsonl --domains mmlu_pro' \
  '                                       # an SAE of your own: --sae-path FOLDER; to make one: sts-eval sae train' \
	  '  $(BIN)/sts-eval init experiment.yaml     # then edit it, `sts-eval check` it and `sts-eval run` it'

dev: $(VENV)/.installed-dev

test: lint types suite

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

suite: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

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
	@echo 'Installing into $(VENV): one to three minutes, once.'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable '.[dev]'
	touch $@

# Two small real language models for benchmarks/real_matrix.yaml, where no model hub can be reached.
real-models: $(VENV)/.installed
	$(PIP) 'gguf>=0.17'
	$(BIN)/python benchmarks/real_models.py models

clean:
	rm -rf $(VENV) runs
