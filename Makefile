# Every command sets up what it needs. PYTHON names another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
SYNC = $(PYTHON) requirements/sync.py
RUN = .venv/bin/python
LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate
SLOW = service or stack or browser or long
.DEFAULT_GOAL := help
.PHONY: help up test bench lint lock schema

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## run the portal on this machine, embedded defaults (ARGS=--no-sample)
	@$(SYNC) && exec $(RUN) manage.py up $(ARGS)

test: ## pass the tests that need nothing installed (ARGS="-k retention")
	@$(SYNC) && exec $(RUN) -m pytest -q -n logical --maxprocesses 8 -m "not ($(SLOW))" $(ARGS)

bench: ## measure what is promised
	@$(SYNC) && exec $(RUN) -m bench $(ARGS)

lint: ## ruff, mypy, import rules, missing migrations, no address in the locked packages
	@$(SYNC)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(RUN) -m mypy
	$(RUN) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	$(RUN) manage.py makemigrations --check --dry-run
	! grep -n '://' requirements/*.txt

lock: ## choose the newest packages that pyproject.toml allows, and pin them with hashes
	@$(SYNC)
	$(LOCK) --upgrade pyproject.toml -o requirements/prod.txt
	$(LOCK) --upgrade pyproject.toml --group dev -o requirements/dev.txt
	echo uv | $(LOCK) --upgrade - -o requirements/uv.txt

schema: ## write the policy's JSON Schema from its types
	@$(SYNC)
	$(RUN) -c "from orgo_audit.policy.json_schema import json_schema; import json; print(json.dumps(json_schema(), indent=2, ensure_ascii=False))" > orgo_audit/logging_config.schema.json
