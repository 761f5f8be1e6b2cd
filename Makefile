# The two commands that matter: `make sync` and `make test`. Each sets up what it needs, from the lock files.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Three test workers for two cores: tests wait for servers and processes for a third of their time.
WORKERS ?= 3
RUNTIME := .venv/.installed-runtime
DEV := .venv/.installed-dev
EMULATOR := .venv/.installed-emulator
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
BUILDER ?= docker
DIST ?= dist
RELEASED_HOMES := sync_platform_tests/cli/released_homes
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
COMPILE := $(BIN)/uv pip compile --universal --no-strip-extras --python-version 3.11 --generate-hashes \
  --no-annotate --no-header --no-emit-index-url --quiet

.DEFAULT_GOAL := help
.PHONY: help sync test test-full check up bench lock image image-check release clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sync: $(RUNTIME)  ## fetch all eight platforms (from the built-in sandbox, unless set otherwise) into the lake
	@$(BIN)/sync-platform sync

test: $(DEV)  ## the tests that every change must pass
	@$(BIN)/python -m pytest -n $(WORKERS)

test-full: $(DEV) $(EMULATOR)  ## whole matrices, 20 times the examples; then the tests on later days: in a day, a month, a year, on 29 February
	@$(BIN)/python -m pytest -n $(WORKERS) --full
	@$(BIN)/python -m sync_platform_tests.clock -n $(WORKERS)

check: $(DEV)  ## linter, formatter and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

up: $(RUNTIME)  ## the UI, the API and the daemon behind one login on http://127.0.0.1:3000
	@$(BIN)/sync-platform serve

bench: $(DEV)  ## speed, as ratios measured in one run (docs/performance.md)
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.matching
	@$(BIN)/python -m benchmarks.lineage
	@$(BIN)/python -m benchmarks.backups
	@$(BIN)/python -m benchmarks.recovery
	@$(BIN)/python -m benchmarks.serving

lock: $(DEV)  ## resolve the lock files anew: the tests' first, the runtime's and the image's as parts of it, the emulator's
	@$(PIP) install uv
	@$(COMPILE) pyproject.toml --extra dev --extra bench -o requirements-dev.lock
	@sed -E 's/\[[^]]*\]==/==/' requirements-dev.lock > .venv/constraints.txt
	@$(COMPILE) pyproject.toml -c .venv/constraints.txt -o requirements.lock
	@$(COMPILE) pyproject.toml --extra fleet -c .venv/constraints.txt -o requirements-fleet.lock
	@echo 'ministack>=1.5.33' | $(COMPILE) - -o requirements-emulator.lock

image:  ## the image for servers and Kubernetes (docs/deploy.md); BUILDER=podman, IMAGE_OPTIONS='--build-arg BASE=...'
	@$(BUILDER) build --tag sync-platform:$(VERSION) --build-arg VERSION=$(VERSION) $(IMAGE_OPTIONS) .

image-check: $(DEV) image  ## build the image, and check what is in it, that it holds no secret, and that it runs closed (docs/deploy.md)
	@mkdir -p $(DIST) && rm -f $(DIST)/image.tar
	@case $(notdir $(firstword $(BUILDER))) in \
	  buildah) $(BUILDER) push sync-platform:$(VERSION) docker-archive:$(DIST)/image.tar:sync-platform:$(VERSION) ;; \
	  *) $(BUILDER) save --output $(DIST)/image.tar sync-platform:$(VERSION) ;; esac
	@IMAGE_ARCHIVE=$(abspath $(DIST)/image.tar) $(BIN)/python -m pytest -n 0 --full sync_platform_tests/image

release: $(DEV)  ## wheel, chart, SBOM and image of one version (docs/deploy.md), in DIST (dist) but the image; and its home for tests
	@rm -rf build $(DIST) && mkdir -p $(DIST)
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir $(DIST) .
	@rm -rf build
	@test -d $(RELEASED_HOMES)/$(VERSION) || $(BIN)/python -m sync_platform_tests.cli.released_home
	@$(BIN)/python -c "from helm_python.chart import package; package('infrastructure/helm/sync-platform', destination='$(DIST)')"
	@$(BIN)/cyclonedx-py requirements requirements-fleet.lock --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --output-file $(DIST)/sync-platform-$(VERSION).cdx.json
	@cd $(DIST) && sha256sum sync* > SHA256SUMS && cat SHA256SUMS
	@if $(BUILDER) version > /dev/null 2>&1; then $(MAKE) --no-print-directory image; \
	else echo "No image was built: $(BUILDER) is not at hand (BUILDER=podman or buildah)."; fi

clean:  ## remove what was set up; the lake in .sync stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements.lock pyproject.toml
	@echo "Setting up .venv (once; a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Setting up what the tests need (once) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# The emulator of AWS needs other versions of botocore and graphql-core than the program.
$(EMULATOR): requirements-emulator.lock $(RUNTIME)
	@echo "Setting up the emulator of AWS (once) ..."
	@test -x .venv/emulator/bin/python || $(BIN)/python -m venv .venv/emulator
	@.venv/emulator/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-emulator.lock
	@touch $@
