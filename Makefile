# `make demo` and `make test` do all of their set-up; a Python 3 with pip is enough to start with.
PYTHON ?= python3
UV := .tools/bin/uv
COMPILE := $(UV) pip compile --quiet --python-version 3.10 --generate-hashes --no-emit-index-url --no-header
COMPILE_PRO := $(subst --python-version 3.10,--python-version 3.11,$(COMPILE))

# Models ship with the project: nothing is fetched from a hub, and Rasa sends no telemetry.
export HF_HUB_OFFLINE := 1
export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 2

# Rasa Pro fetches a table of prices when it is imported, unless it is told not to.
PRO := LITELLM_LOCAL_MODEL_COST_MAP=True
PRO_TESTS := tests/pro tests/bot --ignore=tests/bot/channels/test_telephony.py

# One process of tests a core; a file's tests stay together, and their order is that of tests/conftest.py.
SHARED := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo call test nightly docs lock

help: ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

demo: ## Play a call to the example bot and show what it hears (CALL=FOLDER: your own, CALL=actors: real voices, LIVE=1: a live call)
	@$(PYTHON) scripts/environment.py run
	.venv/bin/python bot_example/demo.py$(if $(LIVE), --live)$(if $(CALL), --call "$(CALL)")

call: ## Start the example bot with a telephone in the browser
	@$(PYTHON) scripts/environment.py run
	.venv/bin/python bot_example/call.py

test: ## Check style and types, and run all tests
	@$(PYTHON) scripts/environment.py dev pro tests
	.venv-dev/bin/ruff check .
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/mypy
	$(PRO) .venv-pro/bin/python -m pytest $(PRO_TESTS)
	.venv-dev/bin/python -m pytest $(SHARED) --durations=40

nightly: ## Run what takes long: the tests marked so, and the core's tests on each Python
	@$(PYTHON) scripts/environment.py dev nightly
	@failed=; \
	.venv-dev/bin/python -m pytest -m nightly --durations=20 || failed="the tests marked nightly"; \
	.venv-dev/bin/python scripts/pythons.py || failed="$${failed:+$$failed and }scripts/pythons.py"; \
	if [ -n "$$failed" ]; then echo "Failed: $$failed." >&2; exit 1; fi

docs: ## Build the documentation site into build/site
	@$(PYTHON) scripts/environment.py dev
	NO_MKDOCS_2_WARNING=1 .venv-dev/bin/mkdocs build --quiet

lock: ## Compile requirements/*.txt again after a change of pyproject.toml
	@$(PYTHON) scripts/environment.py uv
	$(COMPILE) requirements/build.in -o requirements/build.txt
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) pyproject.toml --extra dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml --extra rasa --extra formats -c requirements/dev.txt -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra rasa --extra formats --extra speech --extra moonshine -c requirements/dev.txt -o requirements/speech.txt
	$(COMPILE_PRO) pyproject.toml requirements/pro.in --extra rasa-pro -o requirements/pro.txt
