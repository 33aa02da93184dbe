# Every command of this project, for developers and CI alike. `make help` lists them.
#
#   make demo        a platform in two regions, one of them lost, and the failover, on this machine alone
#   make test        everything CI runs
#
# PYTHON names the interpreter that makes .venv (3.11 to 3.13); of the system `make matrix` also uses the other two.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON  ?= python3
SCALE   ?= 10
MODE    ?= hang
LAB_DIR ?= .lab

# The tests that took longest are named at the end. Most of their time they wait for the lab's AWS, so there are more of them than cores.
SLOWEST := --durations=25 --durations-min=5

BIN    := $(CURDIR)/.venv/bin
TOOLS  := tests/tools
IN_LAB := $(BIN)/python -m lab
STAGES := matrix lint audit unit lab-test sanity docs build molecule targets integration gameday-short
# The cells of `make matrix` and the scenarios of `make molecule` that `make test` runs; `make nightly` runs all.
ENDS   := oldest,newest
SHORT  := stores
# Tests of `make sanity` whose tool `make lint` runs: antsibull-changelog, and ruff for pep8. `make nightly` runs them too.
TWICE  := --skip-test changelog --skip-test pep8

# Tools that ansible-lint, molecule and ansible-test start are searched in .venv first; the set-up's Python is not.
SYSTEM_PATH := $(PATH)
export PATH := $(BIN):$(PATH)
export PYTHON
# Ansible ignores an ansible.cfg in a world-writable directory, which is common in containers, unless it is named.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

# A required variable of a target: $(call need,NAME,example)
need = $(if $(strip $($(1))),,$(error $@ needs $(1), for example: make $@ $(1)=$(2)))

.PHONY: help setup clean demo demo-down test $(STAGES) soak nightly chaos gameday acceptance truth bench scan truth-diff format specs \
        lab-up lab-down lab-outage lab-restore lab-calls lab-resolve lab-targets

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## .venv and .collections, pinned (does nothing when they are up to date)
	@PATH="$(SYSTEM_PATH)" $(PYTHON) $(TOOLS)/set_up.py

demo: setup ## the whole demo in the lab, from nothing; KEEP=1 keeps its lab running
	@KEEP=$(KEEP) SCALE=$(SCALE) $(BIN)/python -m tests.demo

demo-down: setup ## stops the lab that `make demo KEEP=1` left running
	@$(IN_LAB) down --dir .lab-demo

test: setup ## everything CI runs; a line for each stage with its seconds
	@CELL="$(or $(CELL),$(ENDS))" SCENARIOS="$(SHORT)" SANITY_SKIP="$(TWICE)" $(BIN)/python $(TOOLS)/run_stages.py $(STAGES)

soak: setup ## MOVES switchovers and failbacks (200), which must leave nothing behind; takes about half an hour, not part of `make test`
	@MOVES=$(MOVES) $(BIN)/python -m tests.soak

chaos: setup ## failover.yml under every fault at every step: .build/chaos/chaos.md; FAULT=, MOMENT=, SHARE= for a part, WORKERS=2
	@FAULT="$(FAULT)" MOMENT="$(MOMENT)" CHAOS_SHARE="$(SHARE)" WORKERS=$(WORKERS) $(BIN)/python -m tests.chaos

gameday: setup ## customers, real databases and lost regions: .build/gameday/gameday.md; SCENARIO= for a part; as root; not part of `make test`
	@SCENARIO="$(SCENARIO)" SCALE=$(SCALE) CUSTOMERS=$(CUSTOMERS) $(BIN)/python -m tests.gameday

acceptance: setup ## the whole story in a real AWS account, which costs money (docs/acceptance.md): ACCOUNT=<id>|lab, REGIONS=, HOURS=6, CHECK=1, END=1
	@ACCOUNT="$(ACCOUNT)" REGIONS="$(REGIONS)" HOURS="$(HOURS)" CHECK="$(CHECK)" END="$(END)" FOLDER="$(FOLDER)" PYTHONPATH=.collections $(BIN)/python -m tests.acceptance

bench: setup ## playbooks compared with the minimum for their work: .build/bench/bench.md; ROW= for a part, RUNS=5; not part of `make test`
	@ROW="$(ROW)" RUNS=$(or $(RUNS),5) $(BIN)/python -m tests.bench

truth: setup ## moto's own tests that were verified against AWS, against the lab: SERVICE=dynamodb for a part; not part of `make test`
	@SERVICE="$(SERVICE)" $(BIN)/python -m tests.truth.verified

scan: setup ## Prowler over the platform in the lab of LAB_DIR (with site.yml run); installs 1.5 GB into .build; not part of `make test`
	@$(BIN)/python -m tests.tools.run_scan $(LAB_DIR)

truth-diff: setup ## how AWS's answers differ from the lab's, in recordings: FILE=aws.json [LAB=.build/acceptance-lab/forms.json] [FACTOR=3]
	$(call need,FILE,aws.json)
	@$(BIN)/python -m tests.truth.diff $(FILE) $(or $(LAB),.build/acceptance-lab/forms.json) $(FACTOR)

clean: ## removes the output of the stages (.venv and .collections are kept)
	@rm -rf .build .pytest_cache .ruff_cache .hypothesis .ansible

# --- the stages of `make test` ---------------------------------------------------------------------------------------

lint: setup ## ansible-lint, yamllint, ruff, codespell, phrases, argument specs, reference of inputs, changelog, licences, .github
	@$(BIN)/ruff check --output-format concise .
	@$(BIN)/ruff format --check --output-format concise .
	@$(BIN)/yamllint --strict .
	@$(BIN)/codespell -D - -D .codespell-dictionary .
	@$(BIN)/python $(TOOLS)/check_words.py
	@$(BIN)/python $(TOOLS)/role_specs.py check
	@$(BIN)/python $(TOOLS)/input_reference.py check
	@$(BIN)/python $(TOOLS)/content_list.py check
	@$(BIN)/antsibull-changelog lint
	@REUSE_ENCODING_MODULE=charset_normalizer $(BIN)/reuse lint --lines
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/ansible-lint --offline --profile production

audit: setup ## known vulnerabilities of the locked packages; an advisory service that does not respond fails nothing
	@$(BIN)/python $(TOOLS)/run_audit.py

unit: setup ## pure functions and modules against stubs: no lab, no network
	@$(BIN)/pytest -n 2 tests/unit $(ARGS)

lab-test: setup ## the lab itself, through boto3
	@$(BIN)/pytest -n 4 --dist loadfile $(SLOWEST) -m "not nightly" tests/lab $(ARGS)

integration: setup ## playbooks and modules against the lab
	@$(BIN)/pytest -n 5 --dist loadscope --loadscope-reorder $(SLOWEST) -m "not nightly" tests/integration $(ARGS)

nightly: setup ## what is too long for `make test`: more sequences of the world, the other tests of the lab and of the playbooks, every scenario of molecule, every cell of `make matrix`, all of `make sanity`, `make truth` and `make chaos`
	@$(BIN)/python -m tests.matrix
	@$(BIN)/python $(TOOLS)/run_sanity.py
	@$(BIN)/python $(TOOLS)/run_molecule.py
	@WORLD_SEQUENCES=100000 $(BIN)/pytest -n 2 tests/unit/plugins/module_utils/_failover/test_world.py $(ARGS)
	@$(BIN)/pytest -n 2 --dist loadfile -m nightly tests/lab $(ARGS)
	@$(BIN)/pytest -n 3 --dist loadscope --loadscope-reorder -m nightly tests/integration $(ARGS)
	@$(BIN)/python -m tests.truth.verified
	@WORKERS=3 $(BIN)/python -m tests.chaos

gameday-short: setup ## three scenarios of `make gameday`, at twice its speed; GAMEDAY=required fails where the machine cannot run them
	@GAMEDAY=$(or $(GAMEDAY),optional) SCENARIO=switchover-only,dead-region,partition-detach SCALE=20 $(BIN)/python -m tests.gameday

targets: setup ## ansible-test integration, against a lab of its own; ARGS=failover_lease for one target
	@$(BIN)/python $(TOOLS)/run_targets.py $(ARGS)

molecule: setup ## every scenario of extensions/molecule, each with a lab of its own; SCENARIO=name for one
	@$(BIN)/python $(TOOLS)/run_molecule.py $(or $(SCENARIO),$(SCENARIOS))

matrix: setup ## a failover story on each supported cell of versions: .build/matrix/matrix.md; CELL=oldest,newest for a part
	@CELL="$(CELL)" $(BIN)/python -m tests.matrix

sanity: setup ## ansible-test sanity
	@$(BIN)/python $(TOOLS)/run_sanity.py $(SANITY_SKIP) $(ARGS)

docs: setup ## antsibull-docs, ansible-doc on each of our modules, and their site in .build/docs/html, which must fit a phone
	@$(BIN)/python $(TOOLS)/check_docs.py
	@$(BIN)/python $(TOOLS)/phone_width.py .build/docs/html

build: setup ## the tarball in .build, installed into an empty directory and read back
	@$(BIN)/python $(TOOLS)/build_collection.py

# --- for developers -----------------------------------------------------------------------------------------------------

format: setup ## ruff's fixes and format, for the named paths only: FILES="lab tests/lab"
	$(call need,FILES,lab)
	@$(BIN)/ruff check --fix $(FILES)
	@$(BIN)/ruff format $(FILES)

specs: setup ## writes the option tables of the roles' README files, ROLE=network for one, docs/reference.md, docs/docsite/rst, README's list
	@$(BIN)/python $(TOOLS)/role_specs.py write $(ROLE)
	@$(BIN)/python $(TOOLS)/input_reference.py write
	@$(BIN)/python $(TOOLS)/check_docs.py write
	@$(BIN)/python $(TOOLS)/content_list.py write

# --- the lab: these commands are a contract, scripts outside this repository use them ----------------------------------
# Their output is the lab's own and nothing else, so that it can be piped.

lab-up: setup ## starts the lab in the background; SCALE AWS seconds pass in each second (10)
	@$(IN_LAB) up --dir $(LAB_DIR) --scale $(SCALE)

lab-down: setup ## stops the lab, by its own process id
	@$(IN_LAB) down --dir $(LAB_DIR)

lab-outage: setup ## makes a region unavailable: REGION=us-east-1 [MODE=hang|reset|5xx|throttle|partition]
	$(call need,REGION,us-east-1)
	@$(IN_LAB) outage --dir $(LAB_DIR) --region $(REGION) --mode $(MODE)

lab-restore: setup ## restores a region: REGION=us-east-1
	$(call need,REGION,us-east-1)
	@$(IN_LAB) restore --dir $(LAB_DIR) --region $(REGION)

lab-calls: setup ## the API calls received, one JSON object a line
	@$(IN_LAB) calls --dir $(LAB_DIR)

lab-resolve: setup ## where a name points now, and why: NAME=trading-platform-dev.example.com
	$(call need,NAME,trading-platform-dev.example.com)
	@$(IN_LAB) resolve --dir $(LAB_DIR) $(NAME)

lab-targets: setup ## sets the health of a region's targets: REGION=us-east-1 STATE=healthy|unhealthy
	$(call need,REGION,us-east-1)
	$(call need,STATE,unhealthy)
	@$(IN_LAB) targets --dir $(LAB_DIR) --region $(REGION) --state $(STATE)
