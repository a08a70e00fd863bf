# Each target sets itself up: a machine with Python 3.11 or newer is all it takes.
#   make test PYTHON=python3.12 VENV=.venv-3.12     another Python, in an environment of its own

VENV ?= .venv
PYTHON ?=
# More than processors, since much of what is tested is waiting.
JOBS ?= 3
COVERAGE ?= 85
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench peers matrix soak clean

help: ## say what there is
	@echo "make TARGET, one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile

demo: $(READY) ## run the shop, kill its server in the middle of an order, see the order finish
	@$(BIN)/python tools/demo.py

test: check ## check, then run all tests with coverage
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not soak" --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE)

check: $(READY) ## lint, format, types, import contracts
	$(BIN)/ruff check -q .
	$(BIN)/ruff format -q --check .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

docs: $(READY) ## write the documentation as a site to site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build -q --strict
	@echo "site/start.html is the first page"

bench: $(READY) ## measure all that is promised in numbers, to .bench/; ARGS go to it: --quick, --only web,postgres
	@$(BIN)/python -m benchmarks $(ARGS)

peers: $(READY) ## measure DBOS, absurd, Restate, Temporal and vercel-workflow beside us, in one sitting; ARGS go to it
	@$(BIN)/python -m benchmarks.peers $(ARGS)

matrix: $(READY) ## the tests on every Python 3.11 to 3.14 that this machine has; ARGS go to pytest
	@$(BIN)/python tools/matrix.py -n $(JOBS) --dist worksteal $(ARGS)

soak: $(READY) ## the long runs: more seeds of killing the server, the oldest and newest frameworks
	$(BIN)/python -m pytest -m soak

clean: ## remove the environment and all that a run leaves behind
	rm -rf $(VENV) .bench build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@tools/environment.sh $(VENV) $(PYTHON)
	@touch $(READY)
