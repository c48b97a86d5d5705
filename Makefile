# ikelab: the commands of the project. `make lab` is for learners, the rest for those who change the project.
#
#   make lab     open the first lesson in JupyterLab      LAB_ARGS="--port 8890 --no-browser"
#   make test    all checks this machine can run          PYTEST_ARGS="-k esp"; -k: go on after one that failed
#   make bench   measure                                  BENCH="import_time"
#   make soak    the long runs
#   make lint    ruff and mypy alone
#   make lessons make the notebooks anew from their texts, lessons/NN_noun.md
#
# PYTHON names the interpreter for the environment (3.11 or newer), VENV the folder it goes to.

PYTHON ?= python3
VENV ?= .venv
LAB_ARGS ?=
PYTEST_ARGS ?=
BENCH ?=

BIN := $(VENV)/bin
FLOOR := $(VENV)/floor
install = $(if $(shell command -v uv 2>/dev/null),uv pip install --python $(1)/bin/python,$(1)/bin/python -m pip install --disable-pip-version-check)

.DEFAULT_GOAL := lab
.DELETE_ON_ERROR:
.PHONY: lab test bench soak lint lessons ruff mypy pytest

lab: $(VENV)/learner.stamp
	$(BIN)/ikelab lab $(LAB_ARGS)

test: lint pytest

pytest: $(VENV)/developer.stamp $(FLOOR)/floor.stamp
	$(BIN)/python -m pytest -n auto --cov --cov-report=term $(PYTEST_ARGS)

bench: $(VENV)/developer.stamp
	$(BIN)/python -m tests.bench $(BENCH)

soak: $(VENV)/developer.stamp
	$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

lint: ruff mypy

ruff: $(VENV)/developer.stamp
	$(BIN)/ruff check .

mypy: $(VENV)/developer.stamp
	$(BIN)/mypy

lessons: $(VENV)/developer.stamp
	$(BIN)/python -m tests.lessons

# The environment follows pyproject.toml: whoever changes that gets it installed anew with the next command.
$(VENV)/learner.stamp: pyproject.toml | $(VENV)/pyvenv.cfg
	$(call install,$(VENV)) -e '.[all]'
	touch $@

$(VENV)/developer.stamp: pyproject.toml | $(VENV)/pyvenv.cfg
	$(call install,$(VENV)) -e '.[all,dev]'
	touch $@ $(VENV)/learner.stamp

# A second environment, with the oldest JupyterLab that the lab is opened in: browser tests open it there too.
$(FLOOR)/floor.stamp: pyproject.toml tests/floor.txt | $(VENV)/pyvenv.cfg
	$(BIN)/python -m venv --clear $(FLOOR)
	$(call install,$(FLOOR)) -c tests/floor.txt -e '.[all]'
	touch $@

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("ikelab needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Name another one: make lab PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
