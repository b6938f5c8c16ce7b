# `make demo` runs the main job, `make test` runs every test; both install what is missing first. `make help` lists all.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# The build uses all CPUs by itself.
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
BUILD := build/package
PREPARED := $(VENV)/.prepared
INSTALLED := $(BUILD)/.installed

SOURCES := $(shell find native python -type f -not -path '*/__pycache__/*') CMakeLists.txt
TESTS := $(shell find tests/native tests/security benchmarks -type f -not -name '*.py*')
FUZZ_SECONDS ?= 3600
# Neighbours stay together, as they share what is costly to make.
PARALLEL := --numprocesses auto --dist worksteal
PY_FILES := python native/codegen tests benchmarks examples
CXX_FILES := $(shell find native tests/native tests/security tests/fuzz benchmarks -name '*.cpp' -o -name '*.hpp')

.PHONY: help demo demo-worker demo-network test build lint tidy format native-test pytest pytest-v8 pytest-quickjs npm-packages test-under-load \
  test-random check-network fuzz-test fuzz bench bench-full soak bench-peers bench-report bench-compare bench-reference \
  gpu-check asan asan-gc check-install wheels check-wheels \
  check-rebuild check-arm check-sdist bundle check-bundle deb check-deb image check-image check-packages \
  wheels-aarch64 release lock clean screenshots

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

demo: build  ## run the main jobs: filter a picture in sandboxes, and measure it there in Python
	@PYTHONPATH=tests $(BIN)/python tests/python_distribution.py
	@DCP_EVALUATOR_PYTHON=$(CURDIR)/build/python $(BIN)/python -m dcp_evaluator.demo

demo-worker: build  ## a worker does the same for a small scheduler, and earns
	@$(BIN)/python tests/npm_packages.py dcp
	@NODE_PATH="$$(PYTHONPATH=tests $(BIN)/python -c 'import npm_packages; print(npm_packages.installed("dcp") or "")')" \
	  $(BIN)/python -m dcp_worker.demo

demo-network: build  ## a scheduler, two workers, a job from Python and one from npm's dcp-client: two pictures
	@$(BIN)/python tests/npm_packages.py dcp5
	@NODE_PATH="$$(PYTHONPATH=tests $(BIN)/python -c 'import npm_packages; print(npm_packages.installed("dcp5") or "")')" \
	  $(BIN)/python -m dcp_worker.demo.network

test: $(PREPARED)  ## check style and types, build, run all tests; goes on after a part that fails
	@tests/parts.sh lint build native-test fuzz-test pytest-v8 pytest-quickjs

build: $(INSTALLED)  ## build the package and install it into .venv

$(PREPARED): pyproject.toml requirements/make.txt .ci/prepare
	@.ci/prepare
	@touch $@

$(INSTALLED): $(PREPARED) $(SOURCES) $(TESTS)
	@echo '==> Building dcp-evaluator (the first time takes a few minutes on a small machine)'
	@mkdir -p $(BUILD)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation \
	  --force-reinstall -Cbuild-dir=$(BUILD) -Ccmake.define.DCP_BUILD_TESTS=ON . \
	  || { echo 'error: the build failed; its messages are above. The versions that it needs are in pyproject.toml.' >&2; exit 1; }
	@touch $@

lint: $(PREPARED)  ## style, types, spelling, and the rules of tests/lint, for all languages
	@$(BIN)/ruff check $(PY_FILES)
	@$(BIN)/ruff format --check $(PY_FILES)
	@$(BIN)/clang-format --dry-run -Werror $(CXX_FILES)
	@$(BIN)/mypy
	@$(BIN)/python native/codegen/frame_numbers.py --table python/dcp_evaluator/frames/table.py python native tests
	@found=$$(PYTHONPATH=python $(BIN)/lint-imports --no-cache) || { echo "$$found"; exit 1; }
	@$(BIN)/python tests/lint/includes.py
	@$(BIN)/python tests/lint/eslint.py
	@$(BIN)/python tests/lint/lock.py
	@$(BIN)/codespell
	@$(MAKE) --no-print-directory tidy

tidy: build
	@$(BIN)/python tests/lint/tidy.py $(BUILD)

format: $(PREPARED)  ## put all sources into the project's style
	@$(BIN)/ruff check --fix $(PY_FILES)
	@$(BIN)/ruff format $(PY_FILES)
	@$(BIN)/clang-format -i $(CXX_FILES)

native-test: build  ## C++ unit tests
	@$(BIN)/ctest --test-dir $(BUILD) --output-on-failure

pytest: pytest-v8 pytest-quickjs  ## tests through the public doors, on both engines

pytest-v8: build npm-packages  # those that do not depend on the engine run once, with quickjs
	@$(BIN)/python -m pytest $(PARALLEL) --engine v8 -m 'not any_engine'

pytest-quickjs: build npm-packages
	@$(BIN)/python -m pytest $(PARALLEL) --engine quickjs

npm-packages: $(PREPARED)
	@$(BIN)/python tests/npm_packages.py webassembly dcp dcp5 scheduler three tfjs
	@$(BIN)/python tests/pyodide_packages.py

test-under-load: build  ## pytest while four processes keep the CPUs busy
	@trap 'kill $$(jobs -p)' EXIT; for i in 1 2 3 4; do $(BIN)/python -c 'while True: pass' & done; \
	  tests/parts.sh pytest-v8 pytest-quickjs

test-random: build  ## pytest in a random order, whose seed it names first: pytest --random-order-seed=N repeats it
	@PYTEST_ADDOPTS=--random-order tests/parts.sh pytest-v8 pytest-quickjs

check-network: build npm-packages  ## tests of dcp-scheduler that take minutes, one after the other: chaos, large jobs
	@$(BIN)/python -m pytest tests/network -m long_network --verbose --capture no --durations 0

fuzz-test: FUZZ_SECONDS = 60
fuzz-test: fuzz  ## the fuzzers for a minute

fuzz: build  ## the fuzzers for an hour, or FUZZ_SECONDS
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cmake --preset fuzz --log-level=WARNING -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -Dpybind11_DIR="$$($(BIN)/python -m pybind11 --cmakedir)"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cmake --build --preset fuzz -- --quiet
	@$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS)

# What pip installs has the hashes of requirements/GROUP.txt.
PINNED := --disable-pip-version-check --quiet --require-hashes

BENCH := $(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-columns=min,median,max,rounds --timeout=0 \
  --history=out/benchmarks

bench: build  ## measure the hot paths: three minutes
	@$(BENCH)

bench-full: build  ## all benchmarks, with more rounds, against all peers that are installed
	@$(BENCH) --full

MINUTES ?= 30
soak: build  ## rounds of all kinds of work for MINUTES: does anything grow? Drawn in out/benchmarks/soak.png
	@PYTHONPATH=tests:benchmarks $(BIN)/python benchmarks/soak.py --minutes $(MINUTES)

bench-peers: $(PREPARED)  ## install what the benchmarks compare with: Deno, Dawn, SwiftShader, dcp-client, PythonMonkey
	@$(BIN)/python tests/npm_packages.py webassembly dcp dcp5 scheduler deno dawn swiftshader
	@$(BIN)/python -m venv build/peers
	@build/peers/bin/python -m pip install $(PINNED) --only-binary :all: -r requirements/peers-build.txt
	@build/peers/bin/python -m pip install $(PINNED) --no-build-isolation -r requirements/peers.txt \
	  || echo 'bench-peers: going on without PythonMonkey, which cannot be installed here' >&2

bench-report: $(PREPARED)  ## tables of the newest run into docs/performance.md, plots into out/benchmarks
	@$(BIN)/python benchmarks/report.py

ROUNDS ?= 12
bench-compare: build  ## is the work tree slower than the commit BASE? ROUNDS pairs of runs, for busy machines too
	@test -n "$(BASE)" || { echo 'error: slower than which commit? make bench-compare BASE=HEAD~1' >&2; exit 2; }
	@$(BIN)/python benchmarks/compare.py "$(BASE)" --rounds "$(ROUNDS)"

screenshots: build  ## pictures of the dashboard, the web page and the portal for the documents, in docs/images
	@PYTHONPATH=tests:tests/worker/web $(BIN)/python tests/worker/web/screenshots.py docs/images
	@PYTHONPATH=tests $(BIN)/python tests/network/portal/portal_pictures.py docs/images

bench-reference: build  ## measure this machine as the reference machine NAME, while it is quiet
	@test -n "$(NAME)" || { echo 'error: which machine? make bench-reference NAME=xeon-2' >&2; exit 2; }
	@mkdir -p out
	@$(BIN)/dcp-evaluator --benchmark --json >out/$(NAME).json
	@mv out/$(NAME).json python/dcp_evaluator/benchmark/references/$(NAME).json

gpu-check:  ## what this machine's GPU does, step by step, in eight minutes: out/gpu-check; docs/gpus.md
	@benchmarks/gpu-check.sh

asan: $(PREPARED)  ## C++ unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
asan-gc: $(PREPARED)  ## the same, with a collection of garbage before each object that QuickJS makes
asan asan-gc:
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cmake --preset $@ -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -Dpybind11_DIR="$$($(BIN)/python -m pybind11 --cmakedir)"
	@$(BIN)/cmake --build --preset $@
	@$(BIN)/ctest --preset $@

check-install: $(PREPARED)  ## `pip install .` as a user does: a clean environment, an isolated build
	@rm -rf build/clean
	@$(BIN)/python -m venv build/clean
	@build/clean/bin/python -m pip install --disable-pip-version-check .
	@build/clean/bin/dcp-evaluator --probe

MACHINE := $(shell uname -m)
PACKAGES := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/packages

wheels: $(PREPARED)  ## a wheel for each CPython, for glibc 2.31 or newer, into out/packages; MACHINE=aarch64 is another
	@$(PACKAGES)/wheels.py --machine $(MACHINE)

check-wheels: $(PREPARED)  ## install each of them in a fresh Debian without compilers and network, and try it there
	@$(BIN)/python -m venv build/packages/tools
	@build/packages/tools/bin/python -m pip install $(PINNED) --only-binary :all: -r requirements/packages.txt
	@$(PACKAGES)/check_wheels.py

check-rebuild: $(PREPARED)  ## build them a second time elsewhere: the same bytes
	@$(PACKAGES)/check_rebuild.py --machine $(MACHINE)

check-arm: $(PREPARED)  ## start what the wheel of `make wheels MACHINE=aarch64` has, under qemu
	@$(PACKAGES)/check_arm.py

check-sdist: $(PREPARED)  ## make the sdist, and build it in a fresh Debian without a network
	@$(PACKAGES)/check_sdist.py

PYTHONS ?=

bundle: $(PREPARED)  ## a folder for machines without a network, and a tar of it, from those wheels; PYTHONS=3.13 for that only
	@$(PACKAGES)/bundle.py $(PYTHONS)

check-bundle: $(PREPARED)  ## install from it in a fresh Debian without compilers and network, and try it there
	@$(PACKAGES)/check_bundle.py $(PYTHONS)

image: $(PREPARED)  ## a container image from those wheels, into out/packages
	@$(PACKAGES)/image.py

check-image: $(PREPARED)  ## run it with podman: probe, demo, a worker from setup to end
	@$(PACKAGES)/check_image.py

deb: $(PREPARED)  ## Debian packages from those wheels, into out/packages
	@$(PACKAGES)/deb.py

check-deb: $(PREPARED)  ## lintian; install, use, upgrade and remove them in a Debian that is booted, without a network
	@$(PACKAGES)/check_deb.py

wheels-aarch64:
	@$(MAKE) --no-print-directory wheels MACHINE=aarch64

# Packages, then what tries them; check-sdist makes the sdist.
PACKAGE_PARTS := wheels wheels-aarch64 check-wheels check-rebuild check-arm check-sdist bundle check-bundle image \
  check-image deb check-deb

check-packages: $(PREPARED)  ## build and check all packages: an hour on a small machine
	@tests/parts.sh $(PACKAGE_PARTS)

release: $(PREPARED)  ## build and check all packages of a commit that is ready; they, sums and SBOM are in out/release
	@$(PACKAGES)/release.py check $(if $(REHEARSAL),--rehearsal)
	@rm -rf out/packages
	@$(MAKE) --no-print-directory check-packages
	@$(PACKAGES)/release.py write $(if $(REHEARSAL),--rehearsal)

LOCKED := make packages peers peers-build pyodide lock

lock: $(PREPARED)  ## pin the newest versions that pyproject.toml allows, with hashes, in requirements/GROUP.txt
	@$(BIN)/python -m venv build/lock
	@build/lock/bin/python -m pip install $(PINNED) --only-binary :all: -r requirements/lock.txt
	@cd requirements && for group in $(LOCKED); do \
	  how='--only-binary :all:'; [ $$group != peers ] || how=; [ $$group != pyodide ] || how+=' --no-deps'; \
	  ../build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes $$how \
	    --cache-dir ../build/lock/cache --custom-compile-command 'make lock' --group ../pyproject.toml:$$group \
	    --output-file $$group.txt || exit; \
	done

clean:  ## remove what was built; .venv stays
	@rm -rf build out
