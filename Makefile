# make run    install what is needed and serve the app          (PORT=8501, HOST=127.0.0.1)
# make test   install what is needed and check everything
# make test-browsers   walk the essential paths in three browser engines
# Both need only Python 3.11, make and the package indexes, and take seconds when nothing changed.

PYTHON ?= python3
VENV   ?= .venv
BENCH  ?= .venv-bench
FOREIGN ?= .venv-foreign
PORT   ?= 8501
HOST   ?= 127.0.0.1
BIN    := $(VENV)/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test beside browser-trainings browser-pages coverage wasm test-browsers engines-ready check unit browser js bench bench-ui bench-decode bench-kill bench-load bench-follow bench-photographs bench-familiarity bench-hostile bench-newcomer bench-foreign foreign-models pretrained browser-ready clean help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

# A stamp is written last, so an install that failed half-way is made again, from scratch.
$(VENV)/.run-ready: requirements.txt pyproject.toml setup.py
	@if [ ! -e $@ ]; then rm -rf $(VENV); $(PYTHON) -m venv $(VENV); fi
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	@touch $@

run: $(VENV)/.run-ready
	@$(BIN)/python -m app.serve --host $(HOST) --port $(PORT)

# Trainings in a browser wait for most of their time: types and JavaScript are checked beside them.
test: $(VENV)/.test-ready browser-ready
	$(MAKE) unit
	$(MAKE) -j 2 --output-sync=target beside browser-trainings
	$(MAKE) browser-pages

beside:
	$(MAKE) check js

check: $(VENV)/.test-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: $(VENV)/.test-ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile tests/core tests/app $(ARGS)

# Counting branches takes as long again as the tests, so it is a command of its own.
coverage:
	$(MAKE) unit ARGS="--cov --cov-report=term:skip-covered"

js: $(VENV)/.test-ready
	@if command -v node > /dev/null; then node --test tests/browser/js/; \
	else echo "node is not on this machine: the tests of the browser's pure parts are skipped"; fi

# Trainers starve beside two browsers, so the tests of trainings come first, by themselves; what failed
# beside others is tried once more.
browser: browser-trainings browser-pages

browser-trainings: $(VENV)/.test-ready browser-ready
	$(BIN)/python -m pytest --timeout 240 tests/browser/test_training.py || \
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none tests/browser/test_training.py

browser-pages: $(VENV)/.test-ready browser-ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --timeout 240 tests/browser --ignore tests/browser/test_training.py || \
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none --timeout 400 tests/browser --ignore tests/browser/test_training.py

# A browser for the tests: any Chromium that is there, else Debian's where it may be installed.
browser-ready:
	@$(BIN)/python tests/browser/serving.py > /dev/null || \
	if command -v apt-get > /dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && (DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium-headless-shell || \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) > /dev/null; \
	else echo "no Chromium was found: the browser tests will be skipped"; fi

# The essential paths in Chromium, Firefox and WebKit (ARGS="--short", "--engines firefox").
test-browsers: $(VENV)/.test-ready browser-ready engines-ready
	$(BIN)/python tests/engines/run.py $(ARGS)

engines-ready:
	@if command -v apt-get > /dev/null && [ "$$(id -u)" = 0 ] && ! command -v WebKitWebDriver > /dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			firefox-esr webkit2gtk-driver xvfb xauth > /dev/null 2>&1; fi || true
	@if command -v npm > /dev/null; then cd tests/engines && npm ci --silent --no-audit --no-fund || true; fi

# make wasm   compile browser/model/kernel.c anew (Debian: apt-get install clang-19 lld-19)
wasm:
	$(PYTHON) tests/browser/kernel.py

pretrained: $(VENV)/.run-ready
	$(BIN)/python -m vae_core pretrain

clean:
	rm -rf $(VENV) $(BENCH) $(FOREIGN) build *.egg-info

# The peers that speed is held against have an environment of their own.
$(BENCH)/.ready: requirements.txt benchmarks/requirements.txt
	@if [ ! -e $@ ]; then rm -rf $(BENCH); $(PYTHON) -m venv $(BENCH); fi
	$(BENCH)/bin/python -m pip install --quiet -r benchmarks/requirements.txt
	@touch $@

bench: $(BENCH)/.ready
	$(BENCH)/bin/python -m benchmarks.bench $(ARGS)

bench-ui: $(VENV)/.test-ready browser-ready
	$(BIN)/python -m benchmarks.ui
	cd benchmarks && npm ci --silent --no-audit --no-fund --ignore-scripts
	$(BIN)/python -m benchmarks.in_page

bench-decode: $(VENV)/.test-ready browser-ready
	cd benchmarks && npm ci --silent --no-audit --no-fund --ignore-scripts
	$(BIN)/python -m benchmarks.decode $(ARGS)

bench-kill: $(VENV)/.test-ready
	$(BIN)/python -m benchmarks.kill

bench-load: $(VENV)/.test-ready
	$(BIN)/python -m benchmarks.load

bench-follow: $(VENV)/.test-ready
	$(BIN)/python -m benchmarks.follow $(ARGS)

bench-photographs: $(VENV)/.run-ready
	$(BIN)/python -m benchmarks.photographs

bench-familiarity: $(VENV)/.run-ready
	$(BIN)/python -m benchmarks.familiarity

bench-hostile: $(VENV)/.test-ready
	$(BIN)/python -m benchmarks.hostile

bench-newcomer: $(VENV)/.test-ready browser-ready
	$(BIN)/python -m benchmarks.newcomer $(ARGS)

# Models of other libraries, made by those, in build/foreign (ARGS="--small --out tests/fixtures/foreign" for the tests').
$(FOREIGN)/.ready: benchmarks/foreign/requirements.txt
	@if [ ! -e $@ ]; then rm -rf $(FOREIGN); $(PYTHON) -m venv $(FOREIGN); fi
	$(FOREIGN)/bin/python -m pip install --quiet -r $<
	@touch $@

foreign-models: $(FOREIGN)/.ready
	@for name in pytorch_vae convolutional pythae_vae keras_vae autoencoder generator diffusers_vae conditional; do \
		$(FOREIGN)/bin/python -m benchmarks.foreign.$$name $(ARGS) || exit 1; done

bench-foreign: $(VENV)/.run-ready
	@[ -e build/foreign/conditional/about.json ] || $(MAKE) foreign-models
	$(BIN)/python -m benchmarks.foreign.run $(ARGS)
