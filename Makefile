# Works on a fresh machine with Python >= 3.11 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Its libraries need other versions of those in .venv: LiteLLM an older openai, aiobotocore a botocore.
BESIDE := .venv-beside
BESIDE_TESTS := tests/sdks/test_litellm.py tests/sdks/test_bedrock.py \
	tests/transparency/test_providers.py tests/transparency/test_open.py \
	tests/transparency/test_pickle.py tests/transparency/test_propagation.py -k "litellm or bedrock"
DOCS := .venv-docs
RELEASE := .cache/release
# What is installed, in the versions that `make update` has found. NEWEST=1: in those of today.
pinned = $(if $(NEWEST),,-c requirements/$(1).txt)
# A file's tests run in one process, the files on all processors, in their order: files with few
# tests that take long would else come last. SERIAL=1: one after the other.
SPREAD := $(if $(SERIAL),,-n auto --dist loadfile --no-loadscope-reorder)
# uv installs in a fraction of the time; where it cannot reach what pip can, pip does it.
PIP = pip install --quiet --disable-pip-version-check
UV := $(shell command -v uv 2>/dev/null)
install = $(if $(UV),$(UV) pip install --quiet --python $(1)/bin/python $(2) 2>/dev/null ||) \
	$(1)/bin/$(PIP) $(2)

.PHONY: help demo check test test-frameworks bench-frameworks prices lint test-matrix bench bench-load backends test-backends bench-collector bench-store pictures test-docs docs release-check update newest clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "otelier needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: $(BIN)/python pyproject.toml requirements/test.txt
	$(call install,$(VENV),-e ".[ui]" "openai>=3" "anthropic>=2" $(call pinned,test))
	@touch $@

$(VENV)/test.done: $(VENV)/demo.done requirements/test.in
	$(call install,$(VENV),-r requirements/test.in $(call pinned,test))
	@touch $@

$(VENV)/lint.done: $(VENV)/test.done requirements/lint.in
	$(call install,$(VENV),-r requirements/lint.in $(call pinned,test))
	@touch $@

demo: $(VENV)/demo.done ## run the example pipeline and show its trace (ARGS="--messages", ARGS="--live")
	@$(BIN)/python examples/demo.py $(ARGS)

$(BESIDE)/test.done: pyproject.toml requirements/beside.in requirements/beside.txt
	$(PYTHON) -m venv $(BESIDE)
	$(call install,$(BESIDE),-e . -r requirements/beside.in $(call pinned,beside))
	@touch $@

test: $(VENV)/test.done $(BESIDE)/test.done ## run all tests
	$(BIN)/python -m pytest $(SPREAD) --ignore tests/backends \
		--ignore tests/lineage/frameworks --ignore tests/lineage/services $(ARGS)
	$(BESIDE)/bin/python -m pytest $(SPREAD) $(BESIDE_TESTS)

check: $(VENV)/lint.done ## under a minute: ruff, types, architecture, protocols and units
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q $(SPREAD) tests/test_architecture.py tests/protocols tests/unit $(ARGS)

prices: $(VENV)/demo.done ## compile the price list that is shipped from the newest genai-prices
	$(BIN)/$(PIP) --upgrade genai-prices
	$(BIN)/python -c "from otelier.prices import sources; sources.ship()"

lint: $(VENV)/lint.done ## ruff, mypy --strict, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

test-matrix: $(VENV)/test.done ## run the suites against each claimed SDK version, each in its own environment
	$(BIN)/python -m tests.matrix $(ARGS)

test-frameworks: $(BIN)/python ## run the trees of agent frameworks, each in its own environment
	@$(BIN)/python -m tests.frameworks $(if $(NEWEST),--newest) $(ARGS)

bench-frameworks: $(BIN)/python ## count what a step of each framework costs, beside others (ARGS=langchain)
	@$(BIN)/python -m tests.frameworks --count $(ARGS)

bench: $(VENV)/test.done ## calls beside the bare SDK, a hand-written floor and other instrumentations
	@$(BIN)/python -m benchmarks.peers $(ARGS)

bench-load: $(VENV)/test.done ## 10,000 calls at once, 64 threads, 5,000 spans a second, what is left
	@$(BIN)/python -m benchmarks.load $(ARGS)

backends: $(VENV)/test.done ## get the real backends into .cache/backends (needs Go)
	@$(BIN)/python -m tests.backends.programs

test-backends: $(VENV)/test.done ## run collector-config with the real programs
	@$(BIN)/python -m tests.backends $(ARGS)

bench-collector: $(VENV)/test.done ## spans a second that one collector takes here
	@$(BIN)/python -m benchmarks.collector

bench-store: $(VENV)/test.done ## the local store: writing, bytes, every question (ARGS="--spans 5000 --small 50000")
	@$(BIN)/python -m benchmarks.store $(ARGS)

$(DOCS)/done: pyproject.toml requirements/docs.in requirements/docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(call install,$(DOCS),-e . -r requirements/docs.in $(call pinned,docs))
	@touch $@

test-docs: $(VENV)/test.done $(BESIDE)/test.done ## run every block of README and of the site (ARGS=libraries/openai)
	@$(BIN)/python -m manual $(ARGS)

docs: test-docs $(DOCS)/done ## run the site's blocks, and build it into site/
	$(DOCS)/bin/mkdocs build --quiet --strict

pictures: $(VENV)/test.done ## take the README's pictures of the pages (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures docs/pictures

$(RELEASE)/tools/done: requirements/release.in requirements/release.txt
	$(PYTHON) -m venv $(RELEASE)/tools
	$(call install,$(RELEASE)/tools,-r requirements/release.in $(call pinned,release))
	@touch $@

release-check: $(RELEASE)/tools/done ## build wheel and sdist, check them, install them on each claimed Python, run the demo
	@$(RELEASE)/tools/bin/python -m tests.release $(if $(NEWEST),--newest) $(ARGS)

update: ## pin the newest versions of all that is installed (ARGS="openai mcp": of these alone)
	@$(PYTHON) -m tests.pins $(ARGS)

newest: ## run the tests with the versions of today, in environments of their own
	rm -rf .cache/newest
	$(MAKE) --keep-going test test-frameworks release-check NEWEST=1 \
		VENV=.cache/newest/test BESIDE=.cache/newest/beside RELEASE=.cache/newest/release

clean: ## remove environments and caches
	rm -rf $(VENV) $(BESIDE) $(DOCS) site .cache .pytest_cache .mypy_cache .ruff_cache
