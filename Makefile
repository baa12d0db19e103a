# Works on a fresh machine with Python >= 3.11 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := "pytest>=8" "pytest-timeout>=2" "pytest-xdist>=3.6" "jsonschema>=4" "pyyaml>=6"
TEST_PACKAGES := $(TOOLS) "openai>=3" "anthropic>=2" "websockets>=13" "celery>=5" "fsspec>=2023.1" \
	"google-genai>=3" "boto3>=1.44" "mistralai>=3" "cohere>=7" "ollama>=0.6" "huggingface-hub>=2" \
	"xai-sdk>=1.21" "httpx>=0.28" "httpx2>=2" "requests>=2.32" "aiohttp>=3.14" \
	"numpy>=2" "pandas>=2" "attrs>=23" "pillow>=10" "starlette>=1" "jinja2>=3.1" "markdown-it-py>=4" "fastapi>=0.115" "uvicorn>=0.30" \
	"anyio>=4" "trio>=0.27" "greenlet>=3" "django>=5" "gevent>=24" "gunicorn>=23" \
	"hypercorn>=0.17" "granian>=2" "mcp>=2.2" "clickhouse-connect>=1" "pyarrow>=16" griffe \
	authlib "playwright>=1.50" "ipykernel>=6" "nbconvert>=7"
# These need other versions of the libraries above: LiteLLM an older openai, aiobotocore a botocore.
BESIDE := .venv-beside
BESIDE_PACKAGES := $(TOOLS) "litellm>=1.106" "mcp>=2.2,<3" fastapi soundfile "aiobotocore>=3"
BESIDE_TESTS := tests/sdks/test_litellm.py tests/sdks/test_bedrock.py \
	tests/transparency/test_providers.py tests/transparency/test_open.py \
	tests/transparency/test_pickle.py tests/transparency/test_propagation.py -k "litellm or bedrock"
DOCS := .venv-docs
DOCS_PACKAGES := "mkdocs-material>=9.5,<10" "mkdocstrings[python]>=0.30"
LINT_PACKAGES := "ruff>=0.11" "mypy>=1.15"
# A file's tests run in one process, the files on all processors. SERIAL=1: one after the other.
SPREAD := $(if $(SERIAL),,-n auto --dist loadfile)
# uv installs in a fraction of the time; where it cannot reach what pip can, pip does it.
PIP = pip install --quiet --disable-pip-version-check
UV := $(shell command -v uv 2>/dev/null)
install = $(if $(UV),$(UV) pip install --quiet --python $(1)/bin/python $(2) 2>/dev/null ||) \
	$(1)/bin/$(PIP) $(2)

.PHONY: help demo check test test-frameworks bench-frameworks prices lint test-matrix bench bench-load backends test-backends bench-collector bench-store pictures test-docs docs clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "otelier needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: $(BIN)/python pyproject.toml
	$(call install,$(VENV),-e ".[ui]" "openai>=3" "anthropic>=2")
	@touch $@

$(VENV)/test.done: $(VENV)/demo.done Makefile
	$(call install,$(VENV),$(TEST_PACKAGES))
	@touch $@

$(VENV)/lint.done: $(VENV)/test.done
	$(call install,$(VENV),$(LINT_PACKAGES))
	@touch $@

demo: $(VENV)/demo.done ## run the example pipeline and show its trace (ARGS="--messages", ARGS="--live")
	@$(BIN)/python examples/demo.py $(ARGS)

$(BESIDE)/test.done: pyproject.toml Makefile
	$(PYTHON) -m venv $(BESIDE)
	$(call install,$(BESIDE),-e . $(BESIDE_PACKAGES))
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
	@$(BIN)/python -m tests.frameworks $(ARGS)

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

$(DOCS)/done: pyproject.toml Makefile
	$(PYTHON) -m venv $(DOCS)
	$(call install,$(DOCS),-e . $(DOCS_PACKAGES))
	@touch $@

test-docs: $(VENV)/test.done $(BESIDE)/test.done ## run every block of README and of the site (ARGS=libraries/openai)
	@$(BIN)/python -m manual $(ARGS)

docs: test-docs $(DOCS)/done ## run the site's blocks, and build it into site/
	$(DOCS)/bin/mkdocs build --quiet --strict

pictures: $(VENV)/test.done ## take the README's pictures of the pages (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures docs/pictures

clean: ## remove environments and caches
	rm -rf $(VENV) $(BESIDE) $(DOCS) site .cache .pytest_cache .mypy_cache .ruff_cache
