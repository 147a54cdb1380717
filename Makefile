# One environment for everything: `make setup` builds it, every other target needs it.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

# The engines that `peers` and the gate's bench compare with, each in an environment of its own, so that none decides
# another's versions. Of vnpy's own requirements what its engines import: not its window
# and its research (PySide6, plotly and more), so without dependencies.
PEERS := .venv-peers
NAUTILUS := "nautilus_trader>=1.221,<2"
HFTBACKTEST := "hftbacktest>=2.4,<2.5"
VNPY := "vnpy>=4.5,<4.6" "vnpy_spreadtrading>=1.4,<1.5" "vnpy_riskmanager>=2.0,<2.1"
VNPY_NEEDS := "loguru>=0.7.3,<1" "numpy>=2.2.3,<2.5" "requests>=2.32,<3" "ta-lib>=0.6.4,<0.9" "tzlocal>=5.3,<6"
INSTALL := bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: help setup demo test test-quick bench bench-guard twin peers campaign lint clean

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
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-quick: setup ## the quick part, under two minutes
	TANDEM_QUICK=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

bench: setup ## costs of the hot path beside a floor measured in the same run
	$(BIN)/python -m bench

bench-guard: setup ## the benches' ratios against bench/baseline.json; names what regressed
	$(BIN)/python -m bench.guard

peers: $(PEERS)/nautilus/.ready $(PEERS)/vnpy/.ready $(PEERS)/hftbacktest/.ready ## optional: other engines beside ours in `make bench`; needs the network and a C compiler

$(PEERS)/nautilus/.ready: Makefile
	rm -rf $(@D)
	$(PY) -m venv $(@D)
	$(@D)/$(INSTALL) --only-binary nautilus_trader $(NAUTILUS)
	touch $@

$(PEERS)/vnpy/.ready: Makefile
	rm -rf $(@D)
	$(PY) -m venv $(@D)
	$(@D)/$(INSTALL) $(VNPY_NEEDS)
	$(@D)/$(INSTALL) --no-warn-conflicts --no-deps $(VNPY)
	touch $@

$(PEERS)/hftbacktest/.ready: Makefile
	rm -rf $(@D)
	$(PY) -m venv $(@D)
	$(@D)/$(INSTALL) $(HFTBACKTEST)
	touch $@

twin: setup ## the gate against its slow twin on a million states; half an hour
	TANDEM_TWIN_STATES=1000000 $(BIN)/python -m pytest tests/test_gate_twin.py

campaign: setup ## the long runs; writes a dated JSON into campaign/
	$(BIN)/python -m bench.campaign

lint: setup ## ruff
	$(BIN)/ruff check .

clean: ## remove the environment and what runs left behind
	rm -rf $(VENV) $(PEERS) out campaign .numba_cache .pytest_cache .hypothesis
