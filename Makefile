# Three commands from nothing but Python 3, make and git:
#   make demo   the quick start          make test   ruff and pytest, doctests included
#   make docs   the gallery's claims, and the site, docs/_build/html; SPHINXOPTS="-D plot_gallery=0" runs no examples
# For those who change the code: make quick (ruff and what fails first), make mutants (see tests/mutants).
PYTHON ?= python3
# For example PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" for a smaller torch.
PIP_ARGS ?=
SPHINXOPTS ?=
BIN = .venv/bin
FIRST = $(addprefix tests/,test_house.py test_base.py test_losses.py test_schedules.py test_parameters.py \
	test_docstrings.py test_warnings.py test_contract.py inputs/test_marks.py inputs/test_moments.py \
	inputs/test_summary.py inputs/test_targets.py engine/test_averaging.py engine/test_batches.py \
	engine/test_generators.py engine/test_learning_rate.py engine/test_net.py engine/test_network.py \
	engine/test_optimizer.py engine/test_supervised.py networks)

.PHONY: demo test quick mutants coverage docs clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python examples/quick_start.py

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal

quick: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -q -x --first $(FIRST)

mutants: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutants/run.py

coverage: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal --cov

.venv/docs-installed: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e ".[docs]"
	touch $@

docs: .venv/docs-installed
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto -q -m gallery tests/test_gallery.py
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build -W --keep-going $(SPHINXOPTS) docs docs/_build/html

clean:
	rm -rf .venv docs/_build docs/auto_examples docs/api/generated
