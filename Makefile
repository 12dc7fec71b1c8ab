# `make demo` and `make test` do everything on a machine that has Python 3.11 or newer and make.
#
# Paths are relative, because make splits a target at a space and the folder above may have one in its name.
# Tools run as `python -m`, because a script in .venv/bin names its interpreter by an absolute path and so fails in a folder
# that was moved.

PY      := .venv/bin/python
STAMP   := .venv/installed.toml
PYTHONS := python3 python3.13 python3.12 python3.11

# What to pass on, for example: make test PYTEST_ARGS="-k matmul"
PYTEST_ARGS :=
BENCH_ARGS  :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-fast check docs bench bench-peers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## train a small classifier, show what it learnt, leave pictures
	OPENBLAS_NUM_THREADS=1 $(PY) demo.py  # its matrices are small: threads would only wait for one another

test: $(STAMP) ## run every test
	$(PY) -m pytest -n auto $(PYTEST_ARGS)

test-fast: $(STAMP) ## run what is not slow, and a few cases of each table
	$(PY) -m pytest -n auto -m "not slow" $(PYTEST_ARGS)

check: $(STAMP) ## lint, format, types, import floors
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_floors.py

docs: $(STAMP) ## write docs/ops.md from the registry, and the site into build/site
	$(PY) -m docs.ops
	$(PY) -m sphinx -q -W --keep-going -j auto -d build/doctrees docs build/site
	@echo "The site: build/site/index.html"

bench: $(STAMP) ## measure our workloads, beside each peer that is installed
	$(PY) -m benchmarks $(BENCH_ARGS)

bench-peers: $(STAMP) ## install the peers, each in its own environment
	$(PY) -m benchmarks.peers $(BENCH_ARGS)

clean: ## remove caches and outputs; the environments .venv and benchmarks/.peers stay
	rm -rf build dist out docs/notebooks .mypy_cache .pytest_cache .ruff_cache
	find . \( -name .git -o -name .venv -o -name .peers \) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# The stamp is a copy of pyproject.toml: a checkout that only touches the file installs nothing, and needs no network.
$(STAMP): pyproject.toml $(PY)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip
	@cmp -s pyproject.toml $@ || { \
	  echo "Installing wengert and its tools into .venv: this takes a minute, once."; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'; }
	@cp pyproject.toml $@

$(PY):
	@found=; \
	for python in $(PYTHONS); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  found="$$python"; \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	  echo "Creating .venv with $$python."; \
	  exec "$$python" -m venv --clear .venv; \
	done; \
	if [ -n "$$found" ]; then \
	  package=$$("$$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  echo "$$found cannot create a virtual environment: it lacks venv or ensurepip." >&2; \
	  echo "On Debian or Ubuntu: sudo apt-get install $$package" >&2; \
	else \
	  echo "wengert needs Python 3.11 or newer. Tried: $(PYTHONS)." >&2; \
	  echo "If yours has another name: make $(MAKECMDGOALS) PYTHONS=name" >&2; \
	fi; \
	exit 1
