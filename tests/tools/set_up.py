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

MINIMUM = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
COLLECTIONS = ROOT / ".collections" / "ansible_collections"
PACKAGES_LOCK = ROOT / "requirements-dev.lock"
COLLECTIONS_LOCK = ROOT / "requirements-collections.lock"
WANTED = ("amazon/aws", "community/aws", "awx/awx")


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
    if sys.version_info < MINIMUM:
        found = ".".join(str(part) for part in sys.version_info[:3])
        stop(
            "Python %d.%d or later is needed (ansible-core 2.19), %s is %s. Name another: make setup PYTHON=python3.12"
            % (MINIMUM + (sys.executable, found))
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
    return scripts and seen == "%s %d %d" % (VENV, sys.version_info[0], sys.version_info[1])


def set_up_packages():
    stamp = VENV / ".set-up"
    wanted = digest(PACKAGES_LOCK.read_text(), str(VENV), "%d.%d" % sys.version_info[:2])
    if is_current(stamp, wanted):
        return
    if not venv_works():
        make_venv()
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    run(
        "packages of requirements-dev.lock (about half a minute)",
        pip + ["install", "--quiet", "--require-hashes", "-r", str(PACKAGES_LOCK)],
    )
    stamp.write_text(wanted)


def extract(wheel):
    """Take the wanted collections, and nothing else, out of the ansible package. -> {"amazon.aws": version}"""
    prefixes = tuple("ansible_collections/%s/" % name for name in WANTED)
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.startswith(prefixes)]
        with tempfile.TemporaryDirectory(dir=COLLECTIONS.parent) as place:
            archive.extractall(place, members)
            for name in WANTED:
                target = COLLECTIONS / name
                shutil.rmtree(target, ignore_errors=True)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(place) / "ansible_collections" / name, target)
    return {name.replace("/", "."): collection_version(name) for name in WANTED}


def collection_version(name):
    manifest = json.loads((COLLECTIONS / name / "MANIFEST.json").read_text())
    return manifest["collection_info"]["version"]


def set_up_collections():
    stamp = COLLECTIONS / WANTED[0] / ".set-up"
    wanted = digest(COLLECTIONS_LOCK.read_text())
    if is_current(stamp, wanted) and all((COLLECTIONS / name / "MANIFEST.json").is_file() for name in WANTED):
        return
    with tempfile.TemporaryDirectory() as place:
        command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
        command += ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        command += ["--dest", place, "-r", str(COLLECTIONS_LOCK)]
        run("collections of requirements-collections.lock", command)
        versions = extract(next(Path(place).glob("*.whl")))
    stamp.write_text(wanted)
    say("setup: " + ", ".join("%s %s" % item for item in sorted(versions.items())) + " in .collections")


def main():
    check_python()
    set_up_packages()
    set_up_collections()


if __name__ == "__main__":
    main()
