# `make demo` and `make test` set up all that they need in .venv.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
CORES ?= all

.PHONY: demo test lint clean

.venv/ready: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hoag: needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.lock
	touch $@

.venv/ready-dev: .venv/ready requirements-dev.lock
	$(BIN)/pip install --quiet --requirement requirements-dev.lock
	touch $@

demo: .venv/ready
	@start=$$(date +%s); \
	$(BIN)/snakemake --cores $(CORES) --quiet rules && \
	{ $(BIN)/snakemake --cores 1 --report results/demo/report.html &> results/demo/report.log || \
	  { tail -n 20 results/demo/report.log; false; }; } && \
	echo "Look at results/demo/report.html (all figures), results/demo/ranked.csv (all objects)." && \
	cat results/demo/summary.txt && \
	echo "time      $$(($$(date +%s) - start)) s"

# Runs of the whole workflow and all other tests side by side: either half waits a lot.
test: .venv/ready-dev
	@$(BIN)/python -m pytest tests/workflow &> .venv/test-workflow.log & runs=$$!; \
	$(BIN)/python -m pytest tests/contract tests/unit; others=$$?; \
	wait $$runs; runs=$$?; cat .venv/test-workflow.log; exit $$((runs || others))

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

clean:
	rm -rf results resources .snakemake
