# Two commands do all of their own set-up: `make lab` to study, `make test` to check everything.
# The set-up is in .venv; it is repeated only when constraints.txt or pyproject.toml has changed.

PYTHON ?= python3
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help lab update test notebooks check bench moved

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 16

lab: .venv/course-installed ## open JupyterLab on the first lesson; Ctrl-C ends it
	@.venv/bin/dlcourse lab

update: .venv/course-installed ## after `git pull`: bring your copies of the lessons up to date
	@.venv/bin/dlcourse update

test: .venv/tests-installed ## run the unit tests, then every notebook
	@.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope

notebooks: .venv/course-installed ## build the notebooks whose text, code or data changed
	@.venv/bin/dlcourse build

check: .venv/tests-installed ## everything cheap: style, spelling, stale notebooks, fast tests
	@.venv/bin/dlcourse check

bench: .venv/tests-installed ## compare the package with other libraries; let nothing else run
	@set -e; for script in benchmarks/*.py; do echo "$$script"; .venv/bin/python "$$script"; done

# A stamp is written last: after an install that broke off, the next call goes on with it.
# It names the folder: a folder that was moved or renamed sets itself up again.
ifneq ($(shell cat .venv/course-installed 2>/dev/null),$(CURDIR))
.venv/course-installed: moved
endif
.venv/course-installed: constraints.txt pyproject.toml
.venv/tests-installed: .venv/course-installed

# Two set-ups at once would write into one .venv. So each runs in a make of its own that has locked
# the Makefile; one that had to wait finds that there is nothing left to do. The lock goes with the
# processes that hold it. Where a disk knows no locks, there is none.
ifndef IN_TURN
define TAKE_TURN
import fcntl, os, sys
lock = os.open("Makefile", os.O_RDONLY)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Another make is setting up .venv: this one waits for it.", flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)
except OSError:
    pass
os.set_inheritable(lock, True)
os.execvp(sys.argv[1], sys.argv[1:])
endef
export TAKE_TURN

.venv/course-installed:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit( \
		"The course needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is " + sys.version.split()[0] \
		+ ".\nName another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@$(PYTHON) -c "$$TAKE_TURN" $(MAKE) --silent IN_TURN=yes $@

.venv/tests-installed:
	@$(PYTHON) -c "$$TAKE_TURN" $(MAKE) --silent IN_TURN=yes $@
else
# torch comes first, by itself: a build that is there already, or on hand, is then the one that stays.
.venv/course-installed:
	@echo "Setting up .venv with the versions of constraints.txt: about 3 minutes, only this time."
	@$(PYTHON) -m venv .venv
	@$(PIP) torch
	@$(PIP) --editable .
	@echo "$(CURDIR)" >$@

.venv/tests-installed:
	@echo "Adding what the tests need: about 1 minute, only this time."
	@$(PIP) --editable '.[test]'
	@touch $@
endif
