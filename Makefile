# Every target sets up what it needs; a second call costs seconds.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: setup demo test test-all lint types contract docs bench peers engines gate-engines clean

setup: $(VENV)/.base

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.base
	$(PIP) --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/superhet doctor --warm
	$(BIN)/superhet run examples/quickstart.yaml --resume

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto

test-all: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto -m "slow or not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contract: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks road --small

# Other people's tools, only for the benchmarks and the parity tests; nothing else installs them. Each list is whole.
PEERS := $(patsubst benchmarks/peers/%.txt,%,$(wildcard benchmarks/peers/*.txt))

peers: $(PEERS:%=.peers/%/.done)
	@du -sh $(PEERS:%=.peers/%)

.peers/%/.done: benchmarks/peers/%.txt
	$(PYTHON) -m venv --clear .peers/$*
	.peers/$*/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --requirement $<
	touch $@

# Backtest engines of others, each in an environment of its own, found by `superhet backtest --engine NAME`.
# gate-engines makes those that the gate reconciles with.
ENGINES := $(patsubst benchmarks/engines/%.txt,%,$(wildcard benchmarks/engines/*.txt))

engines: $(ENGINES:%=.engines/%/.done)
	@du -sh $(ENGINES:%=.engines/%)

gate-engines: .engines/backtrader/.done .engines/vnpy/.done

.engines/%/.done: benchmarks/engines/%.txt
	$(PYTHON) -m venv --clear .engines/$*
	.engines/$*/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --requirement $<
	touch $@

clean:
	rm -rf $(VENV) .peers .engines docs/_build .pytest_cache .mypy_cache .ruff_cache
