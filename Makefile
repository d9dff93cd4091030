# Each target is a line or two; what it does is in scripts/. Start with `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo run web test test-gpu lint bench bench-web bench-viewer bench-labeling bench-evaluation bench-assignment bench-queue bench-lists bench-arms bench-releases lock clean
PY := .venv/bin/python

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install what a developer needs: Python and Node packages, browser, PostgreSQL, the web bundle
	@scripts/install app vision dev && scripts/system && scripts/web-packages --dev && scripts/web

demo:  ## Show Overread with generated cases (PORT, HOST, DEMO_PASSWORD); needs no database server
	@scripts/install app && scripts/web
	@exec scripts/demo

run:  ## Start a real local instance that keeps its data in var/local
	@scripts/install app vision && scripts/web
	@exec $(PY) manage.py serve

web:  ## Build the TypeScript bundle into static/dist
	@scripts/web

test: setup  ## Run every check: lint, types, TypeScript, pytest on SQLite and on PostgreSQL, browser, real vLLM
	@scripts/test

test-gpu:  ## Run the tests that need a GPU (their own environment, .venv-gpu)
	@scripts/test-gpu

lint:  ## Check style, types, templates and migrations
	@scripts/install app vision dev && scripts/web-packages --dev
	@scripts/lint

bench:  ## Measure labeling, import and reading in the browser
	@scripts/install app vision dev && scripts/system chromium postgresql && scripts/web
	@$(PY) -m benchmarks

bench-web:  ## Measure server times on a private PostgreSQL
	@scripts/install app vision dev && scripts/system postgresql && scripts/web
	@$(PY) scripts/with_postgres.py $(PY) -m benchmarks.web

bench-viewer:  ## Measure images: import, the image pane in Chromium beside a minimal page, memory of the server
	@scripts/install app vision dev && scripts/system chromium && scripts/web
	@$(PY) -m benchmarks.import_images && $(PY) -m benchmarks.viewer

bench-labeling:  ## Count calls and tokens of the labelers, measure time and memory of labeling beside the model
	@scripts/install app vision dev && scripts/system chromium && scripts/web
	@$(PY) -m benchmarks.labeling_counts && $(PY) -m benchmarks.labeling_overhead --reports 200
	@$(PY) -m benchmarks.labeling_overhead --memory --reports 10000
	@$(PY) -m benchmarks.first_label

bench-evaluation:  ## Measure evaluation: time, memory, intervals, and the dashboard on a private PostgreSQL
	@scripts/install app vision dev && scripts/system postgresql && scripts/web
	@$(PY) -m benchmarks.evaluation && $(PY) -m benchmarks.interval_coverage
	@$(PY) scripts/with_postgres.py $(PY) -m benchmarks.evaluation_database

bench-assignment:  ## Measure how even plans of assignment come out, and their time
	@scripts/install app
	@$(PY) -m benchmarks.assignment_plans

bench-queue:  ## Measure the queue on a private PostgreSQL: a claim of one reader alone, and 16 readers at once
	@scripts/install app vision dev && scripts/system postgresql
	@$(PY) scripts/with_postgres.py $(PY) -m benchmarks.pull_queue

bench-lists:  ## Measure the lists of a study of 100,000 cases and their seats, on a private PostgreSQL
	@scripts/install app vision dev && scripts/system postgresql && scripts/web
	@$(PY) scripts/with_postgres.py $(PY) -m benchmarks.long_lists
	@$(PY) scripts/with_postgres.py $(PY) -m benchmarks.seat_lists

bench-arms:  ## Simulate readers of known bias, and count how often the intervals of the arms page hold the truth
	@scripts/install app vision dev
	@$(PY) -m benchmarks.arms_coverage

bench-releases:  ## Measure releases: time and size of 10,000 cases in every format
	@scripts/install app vision dev
	@$(PY) -m benchmarks.releases

lock:  ## Recompile requirements*.txt and package-lock.json (UPGRADE=1 takes newer versions)
	@scripts/install && scripts/lock

clean:  ## Remove environments, builds and caches; keeps data in var
	@rm -rf .venv .venv-gpu .venv-vllm node_modules static/dist staticfiles .ruff_cache .mypy_cache .pytest_cache .hypothesis .coverage htmlcov .install.lock .web.lock
