# Two commands from nothing but Python 3, make and git:
#   make demo   the quick start          make test   ruff and pytest, doctests included
PYTHON ?= python3
# For example PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" for a smaller torch.
PIP_ARGS ?=
BIN = .venv/bin

.PHONY: demo test coverage clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/installed
	$(BIN)/python examples/quick_start.py

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto

coverage: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --cov

clean:
	rm -rf .venv
