# Two commands matter: `make run` and `make test`. Both set up what they need, and both may be repeated.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev

.PHONY: run test check bench bench-intents clean help

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: $(STAMP)  ## Set up, train the first model, start everything, print where to click
	@$(BIN)/firstline up

test: $(DEV_STAMP)  ## Set up what the tests need, and run them all
	@sh tests/prepare.sh
	@$(BIN)/python -m bot.dialogue.install || echo "The dialogue engine could not be installed; tests that need it will be skipped."
	@$(BIN)/python -m pytest $(ARGS)

check: $(DEV_STAMP)  ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check bot retrieval tests
	@$(BIN)/ruff check bot retrieval tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP)  ## Sizes and answer times of the running Firstline, with the conditions
	@$(BIN)/python -m tests.benchmarks.serving

bench-intents: $(STAMP)  ## Ours beside a frozen encoder, TF-IDF and DIET, on the same rows
	@$(BIN)/python -m tests.benchmarks.intents $(ARGS)

clean:  ## Remove environments and all state
	rm -rf .venv .venv-rasa var

$(STAMP): deploy/requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing Firstline's packages (about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar on -r deploy/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): deploy/requirements-dev.txt $(STAMP)
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r deploy/requirements-dev.txt
	@touch $@
