# Two commands matter: `make run` and `make test`. Both set up what they need, and both may be repeated.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-compile
SHOW := 2> >(grep -v ^WARNING >&2) | sed -un 's/^Collecting \([^ ]*\).*/  \1/p; s/^Installing collected.*/  putting it all in place …/p'
STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev

.PHONY: run test prepare check bench bench-intents bench-knowledge llm-demo clean help

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: $(STAMP)  ## Set up, train the first model, start everything, print where to click
	@$(BIN)/firstline up

test: prepare  ## Set up what the tests need, and run them all
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

prepare: $(DEV_STAMP)  ## Set up what the tests need: packages, Chromium, PostgreSQL, the dialogue engine
	@sh tests/prepare.sh & system=$$!; \
	$(BIN)/python -m bot.dialogue.install || echo "The dialogue engine could not be installed; tests that need it will be skipped."; \
	wait $$system

check: $(DEV_STAMP)  ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check bot retrieval tests
	@$(BIN)/ruff check bot retrieval tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP)  ## Sizes and answer times of the running Firstline, with the conditions
	@$(BIN)/python -m tests.benchmarks.serving

bench-intents: $(STAMP)  ## Intent models side by side; ARGS="--quick" takes minutes, ARGS=--help lists the rest
	@$(BIN)/python -m tests.benchmarks.side_by_side $(ARGS)

bench-knowledge: $(STAMP)  ## Finding, reading, abstaining beside BM25 and dense search; ARGS="--quick" takes minutes
	@$(BIN)/python -m tests.benchmarks.knowledge $(ARGS)

llm-demo: $(STAMP)  ## A real small model on this machine behind the guard; fetches it once (130 MB); ARGS=--serve only serves
	@$(BIN)/python -m tests.benchmarks.llm_demo $(ARGS)

clean:  ## Remove environments and all state
	rm -rf .venv .venv-rasa var

$(STAMP): deploy/requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing Firstline's packages (about a minute) …"
	@$(PIP) -r deploy/requirements.txt $(SHOW)
	@$(PIP) --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): deploy/requirements-dev.txt $(STAMP)
	@echo "Installing what the tests need …"
	@$(PIP) -r deploy/requirements-dev.txt $(SHOW)
	@touch $@
