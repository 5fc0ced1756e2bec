# Two commands do everything on a fresh machine: `make run` and `make test`.

VENV := .venv
PYTHON ?= python3
READY := $(VENV)/.ready
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
POSTGRES := $(shell command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null)

.PHONY: run test check bench docs reference clean setup services

setup: $(READY)

# constraints.txt pins every package, torch's CPU build among them.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# Fewer trainings than the defaults, so that a network is trained within five minutes too.
SHORT := search.trials=16 sweep.budget=14 train.recipe.epochs=6 train.recipe.warmup_epochs=1

run: setup
	$(VENV)/bin/nas-search run $(SHORT) 'train.members=[b0]'

# The tests open the dashboard in a real browser, and keep studies in a real PostgreSQL.
services:
ifeq ($(and $(BROWSER),$(POSTGRES)),)
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium postgresql >/dev/null
endif

# Half of it waits, for Ray to start and for processes to die: three run side by side.
test: setup services
	$(VENV)/bin/python -m pytest -n 3 --dist worksteal

check: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m pytest tests/test_markdown.py

bench: setup
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(VENV)/bin/python $$script; done

# What conf/ and the code say of verbs, settings and files, as pages.
reference: setup
	$(VENV)/bin/python -m nas.cli.reference docs/reference

# A site in build/site; links that lead nowhere end it.
docs: reference $(VENV)/.docs-ready
	$(VENV)/bin/zensical build --clean --strict

$(VENV)/.docs-ready: $(READY)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
