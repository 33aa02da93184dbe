# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes .venv and .collections as the lock files say. Standard library only: it runs on the system's python3.

Does nothing, in some milliseconds, when what is there was made from the same locks, by the same Python, in the same
place (scripts in a venv carry its path, so a moved clone needs a new one).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

SUPPORTED = ("3.11", "3.12", "3.13")
PYTHON = "%d.%d" % sys.version_info[:2]
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
COLLECTIONS = ROOT / ".collections" / "ansible_collections"
PACKAGES_LOCK = ROOT / ("requirements-dev-%s.lock" % PYTHON)
# The package `ansible` carries the collections; its later versions do without Python 3.11, and without awx.awx.
OLDER_CARRIER = ROOT / "requirements-collections-3.11.lock"
CARRIER = OLDER_CARRIER if PYTHON == "3.11" else ROOT / "requirements-collections.lock"
AWS, CONTROLLER = ("amazon/aws", "community/aws"), ("awx/awx",)


def say(text):
    # Standard output belongs to the target that depends on the set-up (`make lab-calls | jq`).
    print(text, file=sys.stderr, flush=True)


def stop(text):
    say("setup: " + text)
    sys.exit(1)


def digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_current(stamp, wanted):
    return stamp.is_file() and stamp.read_text() == wanted


def run(what, command):
    """Run one long step quietly: one line before, one after; all its output when it fails."""
    say("setup: %s ..." % what)
    started = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, check=False)
    if done.returncode:
        say(done.stdout)
        stop("%s failed (exit code %d), see above" % (what, done.returncode))
    say("setup: %s done in %.0f s" % (what, time.monotonic() - started))


def check_python():
    if PYTHON not in SUPPORTED:
        stop(
            "Python %s is needed (ansible-core 2.19 to 2.21), %s is %s. Name another: make setup PYTHON=python3.12"
            % (" or ".join(SUPPORTED), sys.executable, PYTHON)
        )


def make_venv():
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        stop("this Python cannot make a venv with pip in it. On Debian and Ubuntu: apt-get install python3-venv")
    if VENV.exists():
        shutil.rmtree(VENV)
    # Not sys.executable: in a shell that has .venv activated that is the one just removed.
    run("virtual environment in .venv", [getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(VENV)])


def venv_works():
    """Whether .venv was made here, by this version of Python."""
    python = VENV / "bin" / "python"
    probe = "import sys; print(sys.prefix, *sys.version_info[:2])"
    try:
        seen = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return False
    scripts = (VENV / "bin" / "pip").is_file() and str(VENV) in (VENV / "bin" / "pip").read_text()
    return scripts and seen == "%s %d %d" % ((VENV,) + sys.version_info[:2])


def pip(venv, *arguments):
    return [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]


def install(venv, lock):
    return pip(venv, "install", "--quiet", "--require-hashes", "-r", str(lock))


def set_up_packages():
    stamp = VENV / ".set-up"
    wanted = digest(PACKAGES_LOCK.read_text(), str(VENV), PYTHON)
    if is_current(stamp, wanted):
        return
    if not venv_works():
        make_venv()
    run("packages of %s (about half a minute)" % PACKAGES_LOCK.name, install(VENV, PACKAGES_LOCK))
    stamp.write_text(wanted)


def download(venv, carrier, place):
    """The package that carries collections, and nothing of what it asks for."""
    how = ("--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")
    return pip(venv, "download", *how, "--dest", str(place), "-r", str(carrier))


def extract(wheel, names, collections):
    """Take these collections, and nothing else, out of the ansible package. -> {"amazon.aws": version}"""
    prefixes = tuple("ansible_collections/%s/" % name for name in names)
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.startswith(prefixes)]
        with tempfile.TemporaryDirectory(dir=collections.parent) as place:
            archive.extractall(place, members)
            for name in names:
                target = collections / name
                shutil.rmtree(target, ignore_errors=True)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(place) / "ansible_collections" / name, target)
    return {name.replace("/", "."): collection_version(collections / name) for name in names}


def collection_version(place):
    return json.loads((place / "MANIFEST.json").read_text())["collection_info"]["version"]


def set_up_collections(carrier, names):
    stamp = COLLECTIONS / names[0] / ".set-up"
    wanted = digest(carrier.read_text(), *names)
    if is_current(stamp, wanted) and all((COLLECTIONS / name / "MANIFEST.json").is_file() for name in names):
        return
    with tempfile.TemporaryDirectory() as place:
        run("collections of %s" % carrier.name, download(VENV, carrier, place))
        versions = extract(next(Path(place).glob("*.whl")), names, COLLECTIONS)
    stamp.write_text(wanted)
    say("setup: " + ", ".join("%s %s" % item for item in sorted(versions.items())) + " in .collections")


def main():
    check_python()
    set_up_packages()
    if CARRIER == OLDER_CARRIER:
        set_up_collections(CARRIER, AWS + CONTROLLER)
    else:
        set_up_collections(CARRIER, AWS)
        set_up_collections(OLDER_CARRIER, CONTROLLER)


if __name__ == "__main__":
    main()
