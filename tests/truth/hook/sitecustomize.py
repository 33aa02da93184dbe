# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the forms of AWS's answers in every Python process that uses botocore (docs/truth.md).

Python runs this file at its start if its folder is the first on PYTHONPATH. TRADING_RECORD names the folder to record
into; without it nothing is recorded. Until botocore is imported, nothing of ours but this file is.
"""

import os
import sys

HANDLERS = "botocore.handlers"
RECORDER = "trading_answer_recorder"
FOLDER = os.environ.get("TRADING_RECORD")


class HandlersFinder:
    """Finds botocore's table of handlers where the other finders do, and has ours added to it once it has been run.

    It stays in sys.meta_path: another thread may be going through that.
    """

    def find_spec(self, name, path=None, target=None):
        if name != HANDLERS:
            return None
        try:
            spec = find(name, path, [finder for finder in sys.meta_path if finder is not self])
            add_after_run(spec.loader)
            return spec
        except Exception:  # Python itself asks the other finders now, without the recorder
            return None


def find(name, path, finders):
    specs = (finder.find_spec(name, path) for finder in finders)
    return next(filter(None, specs), None)


def add_after_run(loader):
    run = loader.exec_module

    def run_and_add(module):
        run(module)
        if module.__name__ == HANDLERS:  # one loader may load all modules of an archive
            add_handlers(module)

    loader.exec_module = run_and_add


def add_handlers(module):
    """Have every session of botocore call the recorder. One that cannot be loaded disturbs nobody."""
    try:
        if RECORDER not in sys.modules:
            module.BUILTIN_HANDLERS.extend(load_recorder().Recorder(FOLDER).handlers())
    except Exception:
        pass


def load_recorder():
    """The module beside this file. The program may have changed sys.path by now, so it is loaded by its place."""
    from importlib import util

    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "answer_recorder.py")
    spec = util.spec_from_file_location(RECORDER, place)
    sys.modules[RECORDER] = module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_hidden():
    """Run the sitecustomize that Python would have found without this one: Debian has one."""
    here = os.path.dirname(os.path.realpath(__file__))
    spec = find("sitecustomize", [place for place in sys.path if os.path.realpath(place) != here], sys.meta_path)
    if spec and spec.loader:
        from importlib.util import module_from_spec

        spec.loader.exec_module(module_from_spec(spec))


if FOLDER:
    sys.meta_path.insert(0, HandlersFinder())
run_hidden()
