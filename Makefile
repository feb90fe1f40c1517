# `make` alone tells what there is.
.DEFAULT_GOAL := help
.PHONY: help test long lint format dist clean

venv := .venv-test

help: ## this text
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## all tests and checks but the long ones
	sh tests/run

long: ## the crash and fuzz runs of minutes
	sh tests/run -m long

lint: ## style, types, layers and house rules only
	sh tests/run tests/house

format: ## lay out the source, and repair what can be repaired
	$(venv)/bin/ruff check --fix .
	$(venv)/bin/ruff format .

dist: ## source archive and wheel, in dist/
	$(venv)/bin/python -m hatchling build

clean: ## remove what tests and builds have made
	rm -rf $(venv) build dist .hypothesis .pytest_cache src/outlast/shim/outlast-shim
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
