# Everything a person does with Lacak on a computer. Set-up happens by itself and is kept in .venv and .cache.
PYTHON ?= python3
setup = PYTHONPATH=tools $(1) -B -m setup.$(2)
in_venv = $(call setup,.venv/bin/python,$(1))

.PHONY: demo test soak replay bench logs venv venv-demo python vm libs clean

demo: venv-demo vm libs  ## a truck's round, from UART to map; NMEA=file, SAMPLE=all, PORT=8080
	.venv/bin/python tools/demo.py

test: venv  ## all tests in stages
	$(call in_venv,stages)

soak: venv vm libs  ## twice 72 hours of a truck's life, 1,000 random worlds (an hour on two cores), then power cuts at every byte of every flash operation
	.venv/bin/python tools/soak.py
	.venv/bin/python tools/chaos.py
	LACAK_CUT_STRIDE=1 .venv/bin/python -m pytest -q host_tests/host/test_journal_cuts.py

replay: venv vm libs  ## a random world again, SEED=7, or a life, SEED=7 HOURS=24; its folder is kept
	.venv/bin/python $(if $(HOURS),tools/soak.py $(HOURS),tools/chaos.py) $(SEED)

bench: venv vm libs  ## all benchmarks, or one: B=road
	PYTHONPATH=tools .venv/bin/python -m bench $(B)

logs: venv-demo  ## logs of real receivers, for tests and benchmarks that want them
	$(call in_venv,logs)

venv: python
	@$(call setup,$(PYTHON),venv) test

venv-demo: python
	@$(call setup,$(PYTHON),venv) demo

python:
	@command -v $(PYTHON) >/dev/null || { echo "set-up: cannot go on: no $(PYTHON) here: apt-get install python3" >&2; exit 1; }

vm: venv-demo
	@$(call in_venv,vm)

libs: venv-demo
	@$(call in_venv,libs)

clean:  ## everything that was made or fetched
	rm -rf .venv .cache build
	find firmware host_tests tools \( -name __pycache__ -o -name "*.egg-info" \) -prune -exec rm -rf {} +
	find firmware/lib -mindepth 1 ! -name README.md ! -name lock.json -delete
