# The one list of commands. `make help` prints it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= $(SER_DATA)
JOBS ?= 2
MINUTES ?= 1
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check evaluate bench reliability integrations docs lock wheel release clean

help: ## Print this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

setup: $(STAMP) ## Create .venv with the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) scripts/check_python.py
	@test -x $(BIN)/python || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(PYTHON) scripts/install_locked.py $(VENV) requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Replay the bundled recording through the live dashboard
	$(BIN)/ser-live demo

run: setup ## Listen to the default microphone
	$(BIN)/ser-live

test: setup ## Run every test that this machine can run (TESTS=what pytest should run instead)
	$(BIN)/python -m pytest $(TESTS)

check: setup ## Formatting, lint, types, import directions, generated docs, licences, audit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config pyproject.toml
	$(BIN)/python scripts/make_docs.py --check
	$(BIN)/python scripts/check_licences.py
	$(BIN)/python scripts/audit_dependencies.py

evaluate: setup ## Measure the models on unseen speakers (DATA=folder of corpora, JOBS=2); hours
	$(BIN)/python scripts/make_evaluation.py --data $(DATA) --jobs $(JOBS)

bench: setup ## Measure speed and size, beside peers (PEERS=no, OLD=DIR, DATA=DIR), and the server (MINUTES=25)
	@test "$(PEERS)" = no || test -x .cache/peers/bin/python || \
	  { $(PYTHON) -m venv .cache/peers && .cache/peers/bin/python -m pip install --quiet \
	    --disable-pip-version-check librosa==0.11.0 opensmile==2.6.0 praat-parselmouth==0.4.7 \
	    scikit-learn soundfile soxr onnx onnxruntime; } || \
	  echo "The peers cannot be installed here; their rows stay empty."
	$(BIN)/python scripts/bench.py --peers .cache/peers/bin/python
	$(BIN)/python scripts/bench_archives.py $(DATA) --peers .cache/peers/bin/python --jobs 2 \
	  $(if $(OLD),--old $(OLD))
	$(BIN)/python scripts/bench_server.py --minutes $(MINUTES)

reliability: setup ## Measure faults, overload, long days (DATA=DIR, SHORT=yes: minutes, ONLY=sections)
	$(BIN)/python scripts/make_reliability.py $(if $(DATA),--data $(DATA)) $(if $(SHORT),--short) \
	  $(if $(ONLY),--only $(ONLY))

integrations: ## Try the parts for Pipecat and LiveKit in an environment of their own (heavy)
	sh scripts/try_integrations.sh $(PYTHON)

docs: setup ## Regenerate the generated pages
	$(BIN)/python scripts/make_docs.py

lock: ## Rewrite requirements.lock (needs uv)
	uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
	  --group dev --extra cloud --extra cluster --extra lsl --extra media --extra mqtt --extra osc --extra parquet --extra plots --extra server --extra train pyproject.toml --output-file requirements.lock

wheel: setup ## Build wheel and sdist into dist/
	$(BIN)/python -m build --no-isolation

release: setup ## Build dist/ twice, compare, and write the bill of materials (CycloneDX)
	$(BIN)/python scripts/build_release.py

clean: ## Remove everything that can be made again
	rm -rf $(VENV) build dist .cache .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache .benchmarks
