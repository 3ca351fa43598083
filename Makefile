# Everything a person types here. Each target makes what it needs first; nothing has to be installed by hand.
#   make help

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
# What a real platform runs on, and that with the sandbox and the tools of development.
PRODUCT := .venv/.product
VENV := .venv/.everything
# make test FAST="-k tags" passes more to the fast tests, PARTS=... and SANDBOX=... to the others.
FAST ?=
PARTS ?=
SANDBOX ?=
# A file stays in one process, and with it the servers that its tests share; the longest go first (tests/conftest.py).
PARALLEL ?= --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Parts start servers and wait for them: one process more than the machine has cores, for two of them.
PARALLEL_PARTS ?= --numprocesses 3 --dist loadfile --no-loadscope-reorder
# A sandbox mostly waits, so two of them are up at a time; PARALLEL_SANDBOX= has one, which asks less of the machine.
PARALLEL_SANDBOX ?= --numprocesses 2 --dist loadfile --no-loadscope-reorder
export PYTHONUNBUFFERED := 1

$(PRODUCT): requirements.lock tools/bootstrap
	@tools/bootstrap product

$(VENV): requirements-dev.lock tools/bootstrap
	@tools/bootstrap everything

.PHONY: help
help:
	@awk -F ':.*## ' 'BEGIN {print "make <target>, with one of these:"} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {count = split($$2, lines, " [|] "); printf "  %-20s %s\n", $$1, lines[1]; \
			for (line = 2; line <= count; line++) printf "  %-20s %s\n", "", lines[line]}' $(MAKEFILE_LIST)

##@ Try it on this machine

.PHONY: up
up: $(VENV) ## the platform on this machine, or what is missing of it | CLUSTERS=2: production on a cluster of its own
	@$(if $(CLUSTERS),SLIPWAY_SANDBOX_CLUSTERS="$(CLUSTERS)") $(PYTHON) -m sandbox up

.PHONY: demo
demo: $(VENV) ## the story of releases, told as it happens: good, bad | and rolled back, fixed, a hotfix, a lost event
	@$(PYTHON) -m sandbox demo

.PHONY: status
status: $(VENV) ## what runs where, and in which version | WATCH=1: again and again, until Ctrl-C | RELEASES=1: the newest releases and DORA's figures too
	@$(PYTHON) -m sandbox status $(if $(WATCH),--watch) $(if $(RELEASES),--releases)

.PHONY: page
page: $(VENV) ## the same as an HTML page in the sandbox's folder
	@$(PYTHON) -m sandbox page

.PHONY: preview
preview: $(VENV) ## what make up would change of a platform that is up | COMMENT=1: as pull requests show it
ifdef COMMENT
	@$(PYTHON) -m sandbox pulumi preview --json --refresh >.preview.json; \
		$(PYTHON) -m stacks.preview_comment .preview.json --stack sandbox; code=$$?; rm -f .preview.json; exit $$code
else
	@$(PYTHON) -m sandbox preview
endif

.PHONY: platform-repository
platform-repository: $(VENV) ## the platform's own repository in the sandbox: | changes by pull request with a preview
	@$(PYTHON) -m sandbox platform-repository

.PHONY: down
down: $(VENV) ## stop it and leave nothing behind
	@$(PYTHON) -m sandbox down

##@ Your platform, described in stacks/Pulumi.<stack>.yaml

.PHONY: install
install: $(PRODUCT) ## what a real platform needs, into .venv | The other targets install what they need.

.PHONY: apps
apps: $(VENV) ## make the stack's GitHub Apps in the browser: STACK=acme | WITH_APP=1: also the App that pulumi up acts as
	@$(PYTHON) -m stacks.apps "$(or $(STACK),$(error give STACK=, as in stacks/Pulumi.<stack>.yaml))" $(if $(WITH_APP),--with-app)

.PHONY: plan
plan: $(VENV) ## the resources of a stack as a tree; touches nothing | STACK=acme: of another stack than the sandbox's | JSON=plan.json: as pulumi preview --json
	@$(PYTHON) -m sandbox plan $(if $(STACK),--stack "$(STACK)") $(if $(JSON),--json >"$(JSON)")

.PHONY: explain
explain: $(VENV) ## what a setting means: SETTING=environments.sync
	@$(PYTHON) -m stacks.explain $(SETTING)

# What make service, environment and team take; what is needed and not given is asked for.
ENTRY = --stack "$(or $(STACK),$(error give STACK=, as in stacks/Pulumi.<stack>.yaml))" $(if $(NAME),--name "$(NAME)") \
	$(if $(AFTER),--after "$(AFTER)") $(if $(DRY_RUN),--dry-run) $(if $(PROPOSE),--propose)

.PHONY: service
service: $(VENV) ## add a service: STACK=acme, and what is not asked for: | NAME=orders TEMPLATE=go-web TEAM=web | PROPOSE=1: by a pull request; DRY_RUN=1: only look
	@$(PYTHON) -m stacks.new service $(ENTRY) $(if $(TEMPLATE),--template "$(TEMPLATE)") $(if $(TEAM),--team "$(TEAM)") \
		$(if $(DESCRIPTION),--description "$(DESCRIPTION)") $(if $(ENVIRONMENTS),--environments "$(ENVIRONMENTS)") \
		$(if $(ANSWERS),--answers "$(ANSWERS)")

.PHONY: environment
environment: $(VENV) ## add an environment: STACK=acme NAME=qa | AFTER=staging REQUIRES=staging
	@$(PYTHON) -m stacks.new environment $(ENTRY) $(if $(IMAGES),--images "$(IMAGES)") $(if $(SYNC),--sync "$(SYNC)") \
		$(if $(REQUIRES),--requires "$(REQUIRES)") $(if $(APPROVERS),--approvers "$(APPROVERS)")

.PHONY: team
team: $(VENV) ## add a team: STACK=acme NAME=ops | MEMBERS=dana:maintainer,sam
	@$(PYTHON) -m stacks.new team $(ENTRY) $(if $(MEMBERS),--members "$(MEMBERS)")

.PHONY: access
access: $(VENV) ## who may do what in the sandbox; STACK=acme: in a stack | CHECK=1: ask GitHub, Argo CD and Kubernetes too
	@$(PYTHON) -m $(if $(STACK),stacks.access --stack $(STACK),sandbox access) $(if $(CHECK),--check) $(if $(JSON),--json)

.PHONY: template-updates
template-updates: $(VENV) ## what changed in templates since services were made | in the sandbox; STACK=acme: in a stack | PROPOSE=1: a pull request for each
	@$(PYTHON) -m $(if $(filter-out sandbox,$(STACK)),stacks.template_updates --stack "$(STACK)",sandbox template-updates) \
		$(if $(PROPOSE),--propose)

##@ Work on Slipway

.PHONY: check
check: $(VENV) ## format, lint, types, imports, workflows, generated files
	@$(PYTHON) -m tools.check

.PHONY: test
test: test-fast test-sandbox test-parts ## all tests

.PHONY: test-fast
test-fast: $(VENV) ## tests that need no sandbox
	@echo "==> fast tests"
	@$(PYTHON) -m pytest --ignore=tests/sandbox -m "not sandbox and not parts" $(PARALLEL) $(FAST)

.PHONY: test-parts
test-parts: $(VENV) ## parts with real git, act, helm and argocd | Their tools are built by make up or test-sandbox.
	@echo "==> the parts of the sandbox, one by one"
	@SLIPWAY_TESTS_REQUIRE_PARTS=1 $(PYTHON) -m pytest --ignore=tests/sandbox -m parts $(PARALLEL_PARTS) --durations=10 $(PARTS)

.PHONY: test-sandbox
test-sandbox: $(VENV) ## the platform end to end; builds its tools
	@echo "==> the sandbox, end to end"
	@$(PYTHON) -m pytest tests/sandbox --verbose $(PARALLEL_SANDBOX) --durations=10 $(SANDBOX)

.PHONY: test-upgrade
test-upgrade: $(VENV) ## an upgrade from v0.1.0 with services that run
	@echo "==> an upgrade from v0.1.0 on a sandbox of its own"
	@$(PYTHON) -m pytest tests/upgrade --verbose

.PHONY: format
format: $(VENV) ## put the code into shape
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

.PHONY: generate
generate: $(VENV) ## write the schema and the versions of templates again
	@$(PYTHON) -m tools.generate

# make lock UPGRADE= keeps the versions that fit.
UPGRADE ?= --upgrade
COMPILE = $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-emit-find-links --no-emit-index-url
.PHONY: lock
lock: $(VENV) ## choose the newest packages and write both locks
	@$(COMPILE) $(UPGRADE) --group dev pyproject.toml sandbox/pyproject.toml --output-file requirements-dev.lock
	@$(COMPILE) $(UPGRADE) --constraints requirements-dev.lock pyproject.toml --output-file requirements.lock

.PHONY: page-library
page-library: ## take the status page's library from its package | needs npm
	@npm ci --prefix tools/page --ignore-scripts --no-audit --no-fund
	@cp tools/page/node_modules/lit-html/lit-html.js slipway_release/assets/lit-html.js
	@cp tools/page/node_modules/lit-html/LICENSE slipway_release/assets/lit-html.LICENSE.txt

.PHONY: clean
clean: ## remove what was made here; the built tools stay
	@if [ -e .sandbox ]; then echo "A sandbox is here: run make down first." >&2; exit 2; fi
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
