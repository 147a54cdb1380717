# One environment for everything: `make setup` builds it, every other target needs it.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: help setup demo test test-quick bench campaign lint clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## .venv with everything in it, kernels compiled

$(STAMP): pyproject.toml
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	$(BIN)/python -m desk.compile
	touch $(STAMP)

demo: setup ## two simulated venues, the engine, a live view; ends in a minute, results in out/demo
	$(BIN)/tandem demo --out out/demo

test: setup ## the whole suite
	$(BIN)/python -m pytest

test-quick: setup ## the quick part, under two minutes
	$(BIN)/python -m pytest -m "not slow"

bench: setup ## costs of the hot path beside a floor measured in the same run
	$(BIN)/python -m bench

campaign: setup ## the long runs; writes a dated JSON into campaign/
	$(BIN)/python -m bench.campaign

lint: setup ## ruff
	$(BIN)/ruff check .

clean: ## remove the environment and what runs left behind
	rm -rf $(VENV) out campaign .numba_cache .pytest_cache .hypothesis
