# make demo and make test work on a fresh machine with Python 3.10 or later.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Half of what a test does is waiting, so twice as many as there are cores.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

.PHONY: demo test unit hard lint container lambda sbom real soak bench lock clean

# The tools' versions are locked: a newer linter or click would turn an unchanged tree red.
$(VENV)/.installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(VENV)/.installed        ## a deploy that breaks, red; then mended, green (needs no account)
	$(BIN)/mwaa-gate demo

# These run hundreds of commands side by side, which mostly wait.
HARD := tests/faults tests/kill

test: $(VENV)/.installed        ## the linters and all tests but those of `make hard`, `make container` and `make real`
	$(MAKE) --no-print-directory -j 2 lint unit

unit: $(VENV)/.installed        ## the tests of `make test`, without the linters
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'not airflow and not container' $(HARD:%=--ignore=%)

hard: $(VENV)/.installed        ## the command under 500 random schedules of faults, and killed at 200 random moments
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(HARD)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

container: $(VENV)/.installed   ## builds the container image and runs it (needs root and buildah)
	$(BIN)/python -m pytest -n 0 -m container tests/container

lambda: $(VENV)/.installed      ## the Lambda function's zip; LAMBDAFLAGS="--python 3.12 --architecture arm64"
	$(BIN)/python deploy/build_zip.py --output dist/mwaa-gate-lambda.zip $(LAMBDAFLAGS)

sbom: lambda                    ## bills of materials; with IMAGE=FOLDER BASE=NAME:TAG@sha256:... the image's, too
	rm -f dist/mwaa_gate-* dist/*.cdx.json
	$(BIN)/python -m hatchling build --directory dist
	for file in dist/mwaa_gate-*; do $(BIN)/python deploy/sbom.py package $$file --output $$file.cdx.json || exit; done
	$(BIN)/python deploy/sbom.py lambda dist/mwaa-gate-lambda.zip --output dist/mwaa-gate-lambda.zip.cdx.json
	$(BIN)/python deploy/sbom.py action --output dist/mwaa-gate-action.cdx.json
	$(if $(IMAGE),$(BIN)/python deploy/sbom.py image $(IMAGE) --base $(BASE) --output dist/mwaa-gate-image.cdx.json)

real: $(VENV)/.installed        ## drives real Airflow 2.10.5 and 3.0.6, installed from PyPI
	$(BIN)/python tests/real/install.py 2.10.5 3.0.6
	$(BIN)/python -m pytest -m airflow tests/real

SCHEDULES ?= 20000
MOMENTS ?= 5000
FUZZ ?= 100

soak: $(VENV)/.installed        ## hours of it: SCHEDULES of faults, MOMENTS to kill at, FUZZ times the fuzzing
	$(BIN)/python tests/faults/soak.py --schedules $(SCHEDULES)
	MWAA_GATE_KILL_MOMENTS=$(MOMENTS) MWAA_GATE_KILL_SEED=$$(date +%s) $(BIN)/python -m pytest -n 2 tests/kill
	FUZZ_SOAK=$(FUZZ) $(BIN)/python -m pytest -n 2 -rP tests/fuzz

bench: $(VENV)/.installed       ## costs, beside the plain approach
	missed=0; for one in cost startup scale; do $(BIN)/python benchmarks/$$one.py || missed=1; done; exit $$missed

COMPILE := uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links $(LOCKFLAGS)

lock:                           ## renews the lock files from pyproject.toml; LOCKFLAGS=--upgrade for newer versions
	$(COMPILE) pyproject.toml --extra dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml --constraint requirements/dev.txt -o requirements/runtime.txt
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(COMPILE) - -o requirements/build.txt

clean:
	rm -rf $(VENV) .cache dist mwaa-gate-demo
