# Lineside: set-up, run, tests. `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# One address for uv: the one on PATH if it answers, else our own in .cache (bin/uv is made by pip).
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .cache/uv/bin/uv)
# The first interpreter that may run the project; PYTHON=… overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && { echo $$p; break; }; done)
RUN := .venv/bin/
ROOMS := connectors dashboard lineside models storage stream wire
CHECKED := $(ROOMS) helm tests
# Test processes side by side, on the two cores of a small machine.
WORKERS ?= 2
# What a file's tests share (a filled site, an unpacked bundle) is made once: a file stays with one process.
BY_FILE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup run test lint format test-fast test-slow soak system kafka bundle chart lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/.ready ## Make .venv with every dependency, pinned and hashed

.cache/uv/bin/uv:
	@if [ -z "$(PYTHON)" ]; then $(no_python); fi
	@echo "uv is not on PATH: installing it into .cache/uv"
	@rm -rf .cache/uv && mkdir -p .cache
	@$(PYTHON) -m venv .cache/uv || { rm -rf .cache/uv; \
		echo >&2 "error: '$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt-get install python3-venv (or put uv on PATH)."; exit 1; }
	@$(PYTHON) -c 'import sys' && .cache/uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8' || { rm -rf .cache/uv; \
		echo >&2 "error: pip could not install uv; see the lines above."; exit 1; }

define no_python
echo >&2 "error: Lineside needs Python 3.11, 3.12 or 3.13 and found none (python3 is $$(python3 --version 2>&1)). On Debian 12: apt-get install python3 python3-venv; or set PYTHON=/path/to/python3.11."; exit 1
endef

# uv is order-only: it has no part in what the environment contains.
.venv/.requirements: requirements.txt | $(filter-out uv,$(UV))
	@if [ -z "$(PYTHON)" ]; then $(no_python); fi
	@[ -x .venv/bin/python ] || $(UV) venv --no-python-downloads --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@echo "Installing the pinned dependencies (about 3 GB the first time, some minutes)"
	@$(UV) pip sync --python .venv/bin/python --require-hashes requirements.txt
	@touch $@

# The project itself is installed editable; a sync removes it, so it comes after. The build backend is pinned with the rest.
.venv/.ready: .venv/.requirements pyproject.toml
	@$(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Ready: .venv/bin/lineside"

run: setup ## Set up, then run a whole inspection line (ARGS="--lines 2 --rate 5")
	@exec $(RUN)lineside up $(ARGS)

test: setup lint ## Set up, then lint, type-check and run all tests
	$(RUN)pytest $(BY_FILE) $(ARGS)

lint: setup ## ruff, mypy --strict, import-linter
	$(RUN)ruff check $(CHECKED)
	$(RUN)ruff format --check $(CHECKED)
	$(RUN)mypy
	$(RUN)lint-imports --no-logo

test-fast: setup ## Tests that need no other component, in parallel
	$(RUN)pytest -n $(WORKERS) -m "not (kafka or postgres or browser or slow or fault)" $(ARGS)

test-slow: setup ## Pipeline, system, browser and fault tests (short form)
	$(RUN)pytest $(BY_FILE) -m "kafka or postgres or browser or slow or fault" $(ARGS)

soak: setup ## Fault tests and trainings at their full length, every image and the whole offline bundle
	LINESIDE_SOAK=1 LINESIDE_REQUIRE=all $(RUN)pytest -m fault --timeout 3600 $(ARGS)
	LINESIDE_SOAK=1 LINESIDE_REQUIRE=all $(RUN)pytest tests/chart/test_image.py tests/chart/test_bundle.py --timeout 3600
	LINESIDE_SOAK=1 $(RUN)pytest tests/unit/models/train/test_segmentation.py

format: setup ## Format the code and apply safe fixes
	$(RUN)ruff check --fix $(CHECKED)
	$(RUN)ruff format $(CHECKED)

system: ## Install the Debian packages that the tests and the demo use (root or sudo)
	@python3 tests/components/system_packages.py --install

kafka: setup ## A single-node Apache Kafka in the foreground (PORT=9092 DATA=.cache/kafka)
	@exec $(RUN)python -m tests.components.kafka --port $(or $(PORT),9092) --data $(or $(DATA),.cache/kafka)

bundle: .cache/image-tools/.ready ## Everything for a machine without network in dist/ (STAGES="edge api worker site")
	@mkdir -p dist
	@image/bundle dist/lineside-bundle.tar .cache/image-tools $(STAGES)

.cache/image-tools/.ready: requirements-image.txt | $(filter-out uv,$(UV))
	@$(UV) venv --quiet --clear --no-python-downloads --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .cache/image-tools
	@$(UV) pip install --quiet --python .cache/image-tools/bin/python --no-deps --require-hashes --requirement requirements-image.txt
	@touch $@

chart: setup ## Compile the chart's values.schema.json from its commented values
	$(RUN)python helm/values_schema.py helm/lineside

lock: | $(filter-out uv,$(UV)) ## Compile requirements.txt and those of the images (ARGS=--upgrade)
	$(UV) pip compile $(LOCK) --all-extras $(ARGS) --output-file requirements.txt pyproject.toml
	$(UV) pip compile $(LOCK) $(ARGS) --constraint requirements.txt --output-file requirements-edge.txt pyproject.toml
	$(call lock-image,api,--extra dashboard pyproject.toml)
	$(call lock-image,worker,--extra recipes pyproject.toml)
	$(call lock-image,site,--extra dashboard --extra recipes pyproject.toml)
	$(call lock-image,image,--group image)

# The versions of requirements.txt, of which an image has a part: uv prefers what the output file names already.
define lock-image
cp requirements.txt requirements-$(1).txt
	$(UV) pip compile $(LOCK) $(ARGS) --output-file requirements-$(1).txt $(2)
endef

# No index address may reach a committed file, whatever the machine's configuration says.
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	--custom-compile-command "make lock"

clean: ## Remove the environment and every cache of this folder
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
