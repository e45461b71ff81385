# Everything a newcomer needs: `make demo`, `make test`. The environment lives in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint docs bench clean

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/.ready  ## simulated scene, whole chain, map and report
	$(BIN)/i2db simulate demo/scene --size 256 --dates 12 --classes 6 --seed 1 --overwrite
	$(BIN)/i2db run demo/scene/config.cfg

test: .venv/.ready  ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadscope

lint: .venv/.ready  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/.ready  ## the reference and the output shown on the pages, made again
	$(BIN)/python -m i2db.cli.reference
	$(BIN)/python tests/docs/doc_pages.py

bench: .venv/.ready  ## the chain against reading alone and, where it is installed, against OTB
	$(BIN)/python tests/bench/bench_chain.py

clean:  ## what make made; never your data
	rm -rf .venv build demo .mypy_cache .ruff_cache .pytest_cache
