# Everything runs in .venv, made on first use.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: install demo test test-all lint format bench clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt "hatchling" "editables" "torch"
	$(BIN)/pip install --quiet -c constraints.txt --no-build-isolation -e '.[dev,simulation-voice]'
	touch $@

demo: install
	$(BIN)/radgaze demo --out runs/demo

test: install
	$(BIN)/pytest -q

test-all: install
	$(BIN)/pytest -q -m ""

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python -m pytest benchmarks -q -o addopts="--import-mode=importlib"

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
