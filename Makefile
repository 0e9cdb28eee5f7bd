# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Any Python from 3.11 on; where it is older, a newer one is looked for.
PYTHON ?= python3
CLUSTERS ?= staging-1 production-1

SETUP = $(PYTHON) tests/gates/environment.py
GATES = .venv/bin/python -m tests.gates
LAB = .venv/bin/python -m tests.lab

.DEFAULT_GOAL := help
.PHONY: help setup lock format lint unit integration molecule test demo soak bench bench-bootstrap bench-tenants bench-infrastructure bench-docs build clean lab-up lab-status lab-down lab-reset

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make lab-up CLUSTERS="staging-1 staging-2 production-1"   (default: $(CLUSTERS))'

setup: ## make the environments (.venv and, with Python >= 3.12, .venv-2.21) from the locked requirements
	@$(SETUP)

lock: ## write requirements/*.txt anew from requirements/*.in
	@$(SETUP) lock

format: setup ## let ruff put Python files into the form that `make lint` asks for
	@echo "format: ruff, all Python files"
	@.venv/bin/ruff check --quiet --fix --exit-zero --no-cache .
	@.venv/bin/ruff format --no-cache .

lint: setup ## what can be checked by reading: ruff, mypy, ansible-lint, documentation, changelog
	@$(GATES) lint

unit: setup ## the unit tests
	@$(GATES) unit

integration: setup ## the tests of the lab, and of the collection on it
	@$(GATES) integration

molecule: setup ## the roles' scenarios on the lab's clusters
	@$(GATES) molecule

test: setup ## all gates: lint, the built tarball, ansible-test, unit tests, lab, integration, molecule
	@$(GATES) test

demo: setup ## the whole story on this machine: two clusters, infrastructure, a tenant (LEAVE=yes: it leaves again)
	@.venv/bin/python -m tests.demo $(if $(LEAVE),--leave)

soak: setup ## long: random histories, kills and faults until told otherwise
	@echo "soak: tests/faults, as long as it takes (stop with Ctrl-C)"
	@.venv/bin/python -m pytest tests/faults

bench: setup ## long: how the collection behaves with many clusters and tenants
	@echo "bench: tests/benchmarks"
	@.venv/bin/python -m pytest tests/benchmarks

bench-bootstrap: setup ## long: bootstrap of 1 to 8 clusters against what people do instead, into .bench/bootstrap.json
	@echo "bench: bootstrap, ours and the peers' ways, one after the other"
	@.venv/bin/python -m pytest tests/benchmarks/test_bootstrap.py

bench-tenants: setup ## long: onboarding of 1 to 5000 tenants against what people do instead, and what many cost the controllers
	@echo "bench: onboarding, ours and the peers' ways, one after the other"
	@.venv/bin/python -m pytest tests/benchmarks/test_tenants.py tests/benchmarks/test_tenants_controllers.py

bench-infrastructure: setup ## infrastructure of 1 to 100 clusters against building every overlay, into .bench/infrastructure.json
	@echo "bench: infrastructure, ours and kustomize, one after the other"
	@.venv/bin/python -m pytest tests/benchmarks/test_infrastructure.py

bench-docs: setup ## the figures of all bench-bootstrap, bench-tenants and bench-infrastructure in .bench, as tables and plots of the guides
	@.venv/bin/python -m tests.benchmarks.figures

build: setup ## the collection's tarball, into build/
	@echo "build: the collection into build/"
	@ANSIBLE_HOME=$(CURDIR)/.ansible .venv/bin/ansible-galaxy collection build --force --output-path build

lab-up: setup ## start the lab: real API servers, Flux controllers and a Git forge
	@$(LAB) up --clusters "$(CLUSTERS)"

lab-status: setup ## what runs, and where
	@$(LAB) status

lab-down: setup ## end the lab; what was built is kept
	@$(LAB) down

lab-reset: setup ## make clusters anew: make lab-reset CLUSTERS=staging-1
	@$(LAB) reset --clusters "$(CLUSTERS)"

clean: ## remove what was made here, but for what the lab has built
	@echo "clean: environments, caches, build/"
	@rm -rf .venv .venv-2.21 .venv-importer .venv-tools .gates .ansible build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find plugins tests -name __pycache__ -prune -exec rm -rf {} +
	@if [ -d .lab ]; then echo "clean: .lab is kept (rm -rf .lab after make lab-down, to build it anew)"; fi
