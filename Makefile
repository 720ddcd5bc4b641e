# The one entry point. `make help` lists the words.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TEST_JOBS ?= 2
PROVE_ROUNDS ?= 25
BENCHMARKS ?= orbit atmosphere antennas physics_tensor simulation closed_loop serving repository nwdaf
PROTOS = $(sort $(shell find proto -name '*.proto'))

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench prove proto format lint types imports protocheck clean

help: ## List the words
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

install: $(INSTALLED) ## Make .venv with everything in it

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "aimlnf needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[serve,train,gateway,dev]'
	@touch $(INSTALLED)

demo: $(INSTALLED) ## Watch a satellite pass drive a model through its whole life
	$(BIN)/aimlctl demo --report report

test: $(INSTALLED) ## Run every test that this machine can run
	$(BIN)/pytest -n $(TEST_JOBS) --dist loadfile

check: $(INSTALLED) lint types imports protocheck test ## Everything that must hold before a change lands

prove: $(INSTALLED) ## Kill and search at many more points than the tests do; takes a while
	$(BIN)/pytest -n $(TEST_JOBS) --dist loadfile -m prove --rounds $(PROVE_ROUNDS)
	$(BIN)/pytest -n $(TEST_JOBS) --dist loadfile -m hypothesis --hypothesis-profile search

bench: $(INSTALLED) ## Measure the loop and the simulator; prints ratios, asserts nothing
	for each in $(BENCHMARKS); do OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.$$each || exit 1; done

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(INSTALLED)
	$(BIN)/mypy

imports: $(INSTALLED)
	$(BIN)/lint-imports

proto: $(INSTALLED) ## Generate gen/ from proto/
	$(call generate,gen)

protocheck: $(INSTALLED) node_modules/.installed
	npx --no-install buf lint
	npx --no-install buf format --diff --exit-code
	$(call generate,.cache/gen)
	diff -r --exclude=__pycache__ .cache/gen/aimlnf gen/aimlnf

# $(call generate,FOLDER): stubs of every proto file into FOLDER/aimlnf, replacing what was there.
define generate
	rm -rf $(1)/aimlnf && mkdir -p $(1)/aimlnf
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto --python_out=$(1) \
	  --grpc_python_out=$(1) --mypy_out=$(1) --mypy_grpc_out=$(1) $(PROTOS)
	touch $(1)/aimlnf/py.typed
endef

# buf is one pinned binary; a lock file would add nothing.
node_modules/.installed: package.json
	npm install --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

format: $(INSTALLED) node_modules/.installed ## Format Python and proto files
	$(BIN)/ruff format
	$(BIN)/ruff check --fix --exit-zero
	npx --no-install buf format -w

clean: ## Remove what was built
	rm -rf $(VENV) node_modules .cache .aimlnf report
