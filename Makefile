# `make demo` and `make test` need Python 3.11 or newer, git and make, and nothing else.

PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
ifeq ($(strip $(PORT)),)
PORT := 8000
endif
export PORT

BENCH := $(BIN)/python -m pytest -q -p no:randomly -p no:cacheprovider \
	--benchmark-columns=min,median,rounds benchmarks/bench_access.py

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test bench bench-links lint types docs clean

help: ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /'

# One stamp per dependency group, older than pyproject.toml when it must be installed again.
$(VENV)/.%: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group $*
	@touch $@

demo: $(VENV)/.example ## start the demo on http://127.0.0.1:$PORT
	@$(BIN)/python example_project/manage.py demo --port $(PORT)

demo-reset: $(VENV)/.example ## the same, afresh
	@$(BIN)/python example_project/manage.py demo --port $(PORT) --reset

test: $(VENV)/.test ## the whole suite, on SQLite
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term --cov-fail-under=95

bench: $(VENV)/.test ## what gates cost on SQLite (and TEST_POSTGRES_URL), and how fast the simulator is
	@status=0; $(BENCH) || status=1; \
	if [ -n "$(TEST_POSTGRES_URL)" ]; then \
		$(BIN)/python -m pip install --quiet "psycopg[binary]>=3.2" && TEST_DATABASE_URL=$(TEST_POSTGRES_URL) $(BENCH) || status=1; \
	else echo "PostgreSQL was left out: TEST_POSTGRES_URL is not set."; fi; \
	$(BIN)/python -m benchmarks.simulator || status=1; exit $$status

bench-links: $(VENV)/.test ## what linking a million customers costs on TEST_POSTGRES_URL
	@$(BIN)/python -m pip install --quiet "psycopg[binary]>=3.2"
	TEST_DATABASE_URL=$(TEST_POSTGRES_URL) $(BIN)/python -m benchmarks.customer_links

lint: $(VENV)/.lint ## ruff and django-upgrade
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	git ls-files '*.py' | xargs $(BIN)/django-upgrade --target-version 5.2

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy src example_project benchmarks

docs: $(VENV)/.docs ## the documentation, warnings are errors
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

clean: ## forget the environment, not the demo's data
	rm -rf $(VENV) .tox .coverage* docs/_build
