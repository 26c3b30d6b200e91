# Two commands do everything, set-up included: `make demo` and `make test`. `make help` lists the others.
PYTHON ?= python3
# Each version of Python has an environment of its own; READY names the very interpreter that it was made with.
VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(VERSION))
BIN := $(VENV)/bin
READY := $(VENV)/ready-$(VERSION)
PIP := python -m pip install --quiet --disable-pip-version-check
# As a line with this folder: without it setuptools puts a finder there, which more than doubles each start of Python.
HERE := --config-settings editable_mode=compat -e
LOWEST := .venv-lowest
# With the certificates of the system, as pip: a network with its own authority has them there.
UV := UV_SYSTEM_CERTS=true $(BIN)/python -m uv
ARGS ?=
EXAMPLES ?= 20000
REPOS ?=
.DEFAULT_GOAL := help

# Every target with a description is a command, not a file.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(lastword $(MAKEFILE_LIST)))

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## the whole path on this machine, from a mention to a pull request
	@$(BIN)/python -m bot demo $(ARGS)

test: setup ## all checks, side by side
	@$(MAKE) --no-print-directory --jobs=3 lint types dead pytest

test-fidelity: setup ## localhub's answers, headers, errors and permissions against GitHub's own descriptions
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder tests/hub \
		tests/unit/github/test_against_localhub.py tests/unit/github/test_permission_table.py \
		tests/unit/github/test_repository_api.py $(ARGS)

test-clients: setup ## stories of octokit and Probot (npm), gh (Debian), git and PyGithub against localhub
	@.ci/clients
	$(BIN)/python -m tests.hub.clients.play $(ARGS)

test-lowest: setup ## the tests with the oldest packages that setup.cfg allows, in an environment of their own
	$(PYTHON) -m venv --clear $(LOWEST)
	$(BIN)/$(PIP) $(HERE) '.[lock]'
	$(UV) pip compile setup.cfg --extra dev --resolution lowest-direct --no-annotate --quiet \
		--output-file $(LOWEST)/constraints.txt
	$(LOWEST)/bin/$(PIP) -c $(LOWEST)/constraints.txt $(HERE) '.[dev]'
	$(LOWEST)/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy, strict
	$(BIN)/mypy

dead: setup ## vulture: code that nothing calls
	$(BIN)/vulture

pytest: setup browser promtool pgbouncer ## the tests alone, or a part: ARGS="tests/unit/run -k title"
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: setup ## hostile texts against cmark-gfm, 20,000 of each kind: EXAMPLES=100000
	HOB_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest --timeout 0 tests/unit/text/test_defuse_fuzz.py \
		tests/unit/text/test_unrendered.py $(ARGS)

attack: setup ## every attack on both sandboxes, as root and as an ordinary user; starts Docker when root
	$(BIN)/python -m tests.attack.campaign

chaos: setup ## every fault on every call of the path, kills: what was lost or doubled; ARGS=--long plays all
	$(BIN)/python -m tests.chaos $(ARGS)

chaos-upgrade: setup ## the version before beside this one, as wheels, over the newest migration; ARGS="--old COMMIT"
	$(BIN)/python -m tests.chaos.upgrade $(ARGS)

chaos-machines: setup ## web, PostgreSQL and two workers in network namespaces, cut off in turn; needs root and iproute2
	$(BIN)/python -m tests.chaos.machines

bench-sandbox: setup ## what the sandbox costs, as ratios within one run
	$(BIN)/python benchmarks/bench_sandbox.py $(ARGS)

bench-latency: setup ## how long somebody waits: the demo, a repository of 200 files and one of 100,000; ARGS="--files 20000"
	$(BIN)/python benchmarks/bench_latency.py $(ARGS)

bench-ingest: setup ## deliveries a second and their latency, beside an empty server of the same libraries
	$(BIN)/python benchmarks/bench_ingest.py $(ARGS)

bench-sweep: setup ## what the look for lost mentions costs with 500 repositories; ARGS="--repositories 2000 --active 50"
	$(BIN)/python -m benchmarks.bench_sweep $(ARGS)

bench-throughput: setup ## mention to pull request, many at once: pull requests a minute; ARGS="--model scripted --seconds 60"
	$(BIN)/python benchmarks/bench_throughput.py $(ARGS)

bench-scale: setup ## claims, deliveries, sweeps and pages with 1,000,000 tasks in the database; ARGS="--tasks 100000"
	$(BIN)/python -m benchmarks.bench_scale $(ARGS)

SUITE := tests/suite/dev.jsonl tests/suite/heldout.jsonl

eval: setup ## the development suite's table with the offline model, or ARGS="--model ... --jobs 4"
	@$(BIN)/python -m bot eval $(SUITE) --jobs 2 $(ARGS)

eval-js: setup ## the offline engine on 120 bugs planted in npm packages; ARGS="--dev --search" (needs node, npm)
	$(BIN)/python -m benchmarks.eval_js $(ARGS)

bench-forecast: setup ## what `hob forecast` predicts for a run of bench-throughput, beside what is measured
	$(BIN)/python -m benchmarks.bench_forecast $(ARGS)

bench-model: setup ## an endpoint's time to first token and speed, with our prompts; ARGS="--model openai-chat:NAME" or --fake
	$(BIN)/python -m benchmarks.bench_model $(ARGS)

guard-check: setup ## 1,000 simulated releases of each kind: bad ones stopped, good ones let through; ARGS="--a-day 30"
	$(BIN)/python -m benchmarks.guard_check $(ARGS)

export-check: setup ## an export loaded by Hugging Face's datasets, a small one or ARGS=FOLDER that hob export wrote
	$(BIN)/$(PIP) $(HERE) '.[training]'
	@$(BIN)/python -m benchmarks.export_check $(ARGS)

eval-check: setup ## every planted bug is shown by the tests that the suite names, and by no others
	@$(BIN)/python -m bot.eval.check $(SUITE) $(ARGS)

eval-real: setup ## the offline model on bug fixes in the histories of REPOS="path path", clones; ARGS="--sample 40"
	@$(BIN)/python -m bot.eval.real $(REPOS) $(ARGS)

setup: $(READY) ## the virtual environment, from requirements.lock, and the programs beside it
	@.ci/system

browser: ## the Chromium that tests of pages need, where it can be installed
	@.ci/browser

promtool: $(READY) ## Prometheus' checker of alert rules, taken out of Debian's package
	@.ci/promtool $(BIN)

pgbouncer: $(READY) ## PgBouncer, taken out of Debian's package
	@.ci/pgbouncer $(BIN)

deploy-check: setup promtool ## the deploy files as their tools read them, then compose.yaml's processes play the demo
	$(BIN)/$(PIP) $(HERE) '.[deploy]'
	$(BIN)/python -m pytest -q tests/deploy
	$(BIN)/python -m tests.deploy.play $(ARGS)

$(READY): setup.cfg pyproject.toml requirements.lock .ci/system Makefile
	@.ci/system
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Hob needs Python 3.11 or newer, which $(PYTHON) is not. Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(if $(wildcard $(READY)),,--clear) $(VENV)
	$(BIN)/$(PIP) --require-hashes -r requirements.lock
	$(BIN)/$(PIP) --no-deps --no-build-isolation $(HERE) .
	@touch $@

lock: setup ## requirements.lock from setup.cfg, for every Python at once; ARGS=--upgrade takes newer releases
	$(BIN)/$(PIP) $(HERE) '.[lock]'
	$(UV) pip compile setup.cfg --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --custom-compile-command 'make lock' --quiet --output-file requirements.lock $(ARGS)

docs: setup ## the documentation as a site in build/site, every warning an error
	$(BIN)/$(PIP) $(HERE) '.[docs]'
	@.ci/mermaid
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/site $(ARGS)

shots: setup ## screenshots of the pages into docs/, with a real browser (Debian's chromium)
	$(BIN)/$(PIP) $(HERE) '.[shots]'
	$(BIN)/python docs/shots.py

bench-agent: setup ## what the harness adds to a turn, and the prefix that providers cache
	$(BIN)/python benchmarks/bench_agent.py $(ARGS)

bench-dashboard: setup ## the pages with a million tasks, and 200 people who watch one run
	$(BIN)/python benchmarks/bench_dashboard.py $(ARGS)

bench-map: setup ## recall of the map of a repository over the history of REPOS="path path path", which are clones
	$(BIN)/python -m benchmarks.bench_map $(REPOS) $(ARGS)

injection-check: setup ## misses of the injection score on attacks, false alarms on ordinary texts; ARGS=--shown
	@$(BIN)/python -m benchmarks.injection_check $(ARGS)

moderation-check: setup ## false alarms of the moderation on ordinary issue texts, misses on abusive ones; ARGS=--shown
	@$(BIN)/python -m benchmarks.moderation_check $(ARGS)

realworld: setup ## sixteen real projects with a planted bug each, see docs/realworld.md (needs npm, cargo, go)
	$(BIN)/python benchmarks/realworld.py $(ARGS)

refresh-github-data: setup ## trimmed copies of GitHub's own descriptions into tests/data/github (needs npm)
	$(BIN)/python tests/support/refresh_github_data.py

clean: ## remove what the targets made
	rm -rf .venv .venv-* build *.egg-info .pytest_cache .mypy_cache .ruff_cache
