# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole playbooks against the lab, as a user runs them.

Provisioning is slow, breaking things is not: each platform is provisioned once in a test run, by whichever worker needs
it first, and every test gets a copy of that lab's whole state.
"""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.client import Lab
from tests.lab.ecs_service import make_services

TOP = Path(__file__).resolve().parents[2]
# What the runner of a traced run signs with; of the form of AWS's own. All workers of a test run know the same ones, so
# that each can look for them in what another's run has left.
DRAW = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
RUNNERS_SECRETS = {
    "AWS_SECRET_ACCESS_KEY": base64.b64encode(DRAW.randbytes(30)).decode(),
    "AWS_SESSION_TOKEN": base64.b64encode(DRAW.randbytes(120)).decode(),
}
ACCOUNT = "123456789012"
TASK = re.compile(r"\s*- name: (.*)")
TEMPLATE = re.compile(r"\{\{.*?\}\}")
# What a platform has besides the demo's variables.
VARIANTS = {
    "postgresql": {
        "global_database_engine": "aurora-postgresql",
        "global_database_instance_class": "db.serverless",
        "global_database_min_capacity": 0.5,
        "global_database_max_capacity": 16,
        "global_database_storage_type": "aurora-iopt1",
    },
    "accelerator": {"traffic_switch_backend": "global_accelerator"},
    "without_compute": {"application_compute": "none"},
    "service": {"application_compute": "ecs", "application_ecs_service": "trading/orders"},
}
# What somebody else makes of a variant, once site.yml has stopped and named what it needs.
MADE_BY_OTHERS = {"service": make_services}
# Names the folder of the platforms that all stages of a `make test` use.
OF_ALL_STAGES = "STAGES_PLATFORMS"
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What one ansible-playbook run did. ``began`` is epoch seconds, ``changed`` maps host to its count.

    broke_at: epoch seconds at which something was broken, None where nothing was.
    """

    code: int
    output: str
    began: float
    seconds: float
    broke_at: float | None = None

    @property
    def changed(self) -> dict[str, int]:
        return {host: int(changed) for host, _ok, changed, _unreachable, _failed in RECAP.findall(self.output)}

    def ends_well(self) -> Run:
        assert self.code == 0, self.output[-6000:]
        return self


def of_nobody() -> dict[str, str]:
    """The environment, without anything of the user's that leads to an account or changes Ansible."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAB_", "ANSIBLE_"))}


def run_playbook(
    name: str | Path,
    *options: str,
    lab: Lab | None,
    inventory: str | Path = TOP / "inventories/demo",
    folder: Path = TOP,
    break_at: str = "",
    breaks: str = "",
    traces: Path | None = None,
    variables: Mapping[str, str] | None = None,
    patience_s: float = 1200,
    meanwhile: Callable[[int], None] | None = None,
) -> Run:
    """Run ``playbooks/<name>.yml``, or the file at a path; with no lab every call to AWS would be refused.

    folder: the working directory. breaks: what breaks, break_at: at which task (tests/chaos/callbacks/act_at.py).
    A run that does not come to that task is a failure of the test.
    traces: a folder for everything that the run leaves on the controller: output, log, artifacts, temporary files.
    variables: more of the environment. patience_s: seconds after which the run is given up.
    meanwhile: called with the id of the process, which is that of its group, while it runs.
    """
    playbook = name if isinstance(name, Path) else TOP / "playbooks" / f"{name}.yml"
    environment = of_nobody()
    environment |= lab.env() if lab else {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_EC2_METADATA_DISABLED": "true"}
    environment["ANSIBLE_CONFIG"] = str(TOP / "ansible.cfg")
    broke = Path(tempfile.mkdtemp()) / "broke"
    if breaks:
        assert has_task(playbook, break_at), f"no task's name ends with {break_at!r}"
        callbacks = {"ANSIBLE_CALLBACK_PLUGINS": str(TOP / "tests/chaos/callbacks")}
        environment |= {**callbacks, "BREAK_AT": break_at, "BREAK": breaks, "BREAK_MARK": str(broke)}
    if traces:
        environment |= RUNNERS_SECRETS | traced(traces)
    environment |= variables or {}
    began = time.time()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("ansible-playbook"), playbook, "-i", inventory, *options],
        cwd=folder,
        # A process group of its own, so that killing it kills its workers and not this process.
        start_new_session=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            if meanwhile:
                meanwhile(process.pid)
            output, _nothing = process.communicate(timeout=patience_s)
        except BaseException:
            process.kill()
            raise
    assert not breaks or broke.exists(), f"nothing was broken: the run came to no task {break_at!r}\n{output[-3000:]}"
    broke_at = broke.stat().st_mtime if breaks else None
    shutil.rmtree(broke.parent)
    if traces:
        (traces / f"output-{len(list(traces.glob('output-*')))}-{playbook.stem}").write_text(output)
    return Run(process.returncode, output, began, time.time() - began, broke_at)


def has_task(playbook: Path, ending: str) -> bool:
    """Whether the name of a task may end so; any text may stand for a name's templates."""
    return any(
        re.fullmatch(".*".join(map(re.escape, TEMPLATE.split(name))), ending)
        if TEMPLATE.search(name)
        else name.endswith(ending)
        for name in task_names(playbook)
    )


def task_names(playbook: Path) -> Iterator[str]:
    """The names of all tasks that a run may come to: those of the playbook, and of the collection."""
    files = [playbook, *(TOP / "playbooks").rglob("*.yml"), *(TOP / "roles").glob("*/tasks/**/*.yml")]
    for file in files:
        for line in file.read_text().splitlines():
            if found := TASK.match(line):
                yield found[1].strip("\"'")


def traced(folder: Path) -> dict[str, str]:
    """The environment of a run that leaves its traces in a folder; its artifacts (set_stats) are in its output."""
    for name in ("local", "remote", "tmp", "home"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        "TMPDIR": str(folder / "tmp"),
        # As in many a container, not the directory that the user's account has.
        "HOME": str(folder / "home"),
    }


@dataclass(frozen=True)
class Platform:
    """A provisioned platform: its lab, its inventory, its regions in order of preference, what provisioning left."""

    lab: Lab
    inventory: Path
    regions: tuple[str, ...]
    traces: Path

    def run(self, playbook: str | Path, *options: str, **how) -> Run:
        return run_playbook(playbook, *options, lab=self.lab, inventory=self.inventory, **how)


class RunnersLab(Lab):
    """The same lab for a user with another access key."""

    def __init__(self, lab: Lab, key: dict[str, str]) -> None:
        vars(self).update(vars(lab))
        self.key = key

    def env(self) -> dict[str, str]:
        own = {"AWS_ACCESS_KEY_ID": self.key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": self.key["SecretAccessKey"]}
        return super().env() | own


def as_user(platform: Platform, name: str, policies: Iterable[str]) -> Platform:
    """The platform for a new IAM user, who has the policies with these ARNs and nothing else."""
    iam = platform.lab.client("iam")
    iam.create_user(UserName=name)
    for policy in policies:
        iam.attach_user_policy(UserName=name, PolicyArn=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return replace(platform, lab=RunnersLab(platform.lab, key))


def run_site(platform: Platform, variant: str, *options: str) -> Run:
    """Run site.yml, and again with what it has stopped for, where somebody else makes that."""
    run = platform.run("site", *options, traces=platform.traces)
    if variant in MADE_BY_OTHERS:
        owner = Lab.at(platform.lab.directory)  # has a key of its own
        MADE_BY_OTHERS[variant](owner, platform.regions)
        run = platform.run("site", *options, traces=platform.traces)
    return run


def make_policies(lab: Lab, inventory: Path, folder: Path, *options: str) -> list[str]:
    """Do what docs/permissions.md asks of the account's administrator before the first run; return the ARNs."""
    given = ("-e", f"aws_account_id={ACCOUNT}", "-e", f"policies_folder={folder}")
    run_playbook("policies", *given, *options, lab=None, inventory=inventory).ends_well()
    # The lab's first call of all, for which it reads AWS's own policies.
    iam = lab.client("iam", read_timeout=60)
    return [
        iam.create_policy(PolicyName=path.stem, PolicyDocument=path.read_text())["Policy"]["Arn"]
        for path in sorted(folder.glob("*-provisioning-runner-*.json"))
    ]


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Wait until no other process is in a block with this lock; it ends with the process at the latest."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Platforms:
    """Provisions each set of regions once, as a user with only the policy for that, and returns copies.

    Processes that name the same folder share what is provisioned in it; the last of them to leave stops the labs. The
    stages of one `make test` share a folder that outlives them (tests/tools/run_stages.py).

    copies: where the labs of copies are, the folder itself if None. tries_policies: whether a user with only the policy
    for it provisions; without, that is some seconds faster.
    """

    def __init__(self, folder: Path, copies: Path | None = None, tries_policies: bool = True) -> None:
        shared = os.environ.get(OF_ALL_STAGES)
        self.folder, self.outlives_this = (Path(shared), True) if shared else (folder, False)
        self.copies_folder, self.tries_policies = copies or self.folder, tries_policies
        self.folder.mkdir(exist_ok=True)
        self.copies = itertools.count(1)
        self.presence = (self.folder / "present").open("w")
        fcntl.flock(self.presence, fcntl.LOCK_SH)

    def leave(self) -> None:
        with self.presence:
            if self.outlives_this:
                return
            try:
                fcntl.flock(self.presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            for place in self.folder.glob("original-*"):
                # Without its lab it is of no use to one who comes later.
                Lab.at(place / "lab").stop()
                shutil.rmtree(place)

    def _inventory(self, place: Path, regions: tuple[str, ...], variables: str = "") -> Path:
        # Hosts are ours. Two regions have the demo's variables; more have those with every option on.
        own = VARIANTS.get(variables)
        variables = "demo" if own else variables or ("demo" if len(regions) == 2 else "three_regions")
        inventory = place / "inventory"
        inventory.mkdir(parents=True)
        lines = [f"{region} vpc_cidr=10.{number}.0.0/16" for number, region in enumerate(regions)]
        (inventory / "hosts").write_text("\n".join(["[regions]", *lines, ""]))
        given = TOP / "inventories" / variables / "group_vars"
        if own is None:
            (inventory / "group_vars").symlink_to(given)
            return inventory
        (inventory / "group_vars/all").mkdir(parents=True)
        for part in (given / "all").iterdir():
            (inventory / "group_vars/all" / part.name).symlink_to(part)
        (inventory / "group_vars/all/90_variant.yml").write_text(json.dumps(own))
        return inventory

    def original(self, *regions: str, variant: str = "") -> Platform:
        name = "-".join([*regions, *([variant] if variant else [])])
        place = self.folder / f"original-{name}"
        with alone(self.folder / f"{name}.lock"):
            if not place.exists():
                self._provision(place, regions, variant)
        # One that could not be provisioned is so for every test, and is not tried again by each.
        assert (place / "code").read_text() == "0", max((place / "traces").glob("output-*")).read_text()[-6000:]
        return Platform(Lab.at(place / "lab"), place / "inventory", regions, place / "traces")

    def _provision(self, place: Path, regions: tuple[str, ...], variant: str) -> None:
        inventory, traces = self._inventory(place, regions, variant), place / "traces"
        platform = Platform(Lab.start(place / "lab"), inventory, regions, traces)
        if self.tries_policies:
            provisioner = as_user(platform, "provisioner", make_policies(platform.lab, inventory, place / "policies"))
            platform.lab.clear_calls()  # what the administrator has done is not part of provisioning
            # As AWS does for a moment: what was just created is refused once.
            platform.lab.settings(first_use_refused=True)
            # With Ansible's highest verbosity, once: tests/integration/test_secrets.py reads it.
            run = run_site(provisioner, variant, "-vvvv")
            platform.lab.settings(first_use_refused=False)
        else:
            run = run_site(platform, variant)
        platform.lab.advance(900)  # until CloudWatch shows samples of the new secondary
        (place / "code").write_text(str(run.code))

    def empty(self, *regions: str, scale: float, variables: str = "") -> Platform:
        """Regions with nothing in them, for the caller to provision.

        scale: AWS seconds that pass in one. variables: of this inventory, or as an original has them.
        """
        place = self.folder / f"empty-{os.getpid()}-{next(self.copies)}"
        inventory = self._inventory(place, regions, variables)
        return Platform(Lab.start(place / "lab", scale), inventory, regions, place / "traces")

    def copy(self, *regions: str, scale: float | None = None, variant: str = "") -> Platform:
        """A copy for the caller to break; scale: AWS seconds that pass in one of it, None = as in the original.

        variant: one of VARIANTS, which is provisioned once as well.
        """
        original = self.original(*regions, variant=variant)
        lab = original.lab.fork(self.copies_folder / f"copy-{os.getpid()}-{next(self.copies)}", scale)
        return Platform(lab, original.inventory, regions, original.traces)


def main(folder: str, *regions: str) -> None:
    """python -m tests.integration.platforms FOLDER [region ...]

    With regions, provision their platform there for whoever comes later; without, nobody needs what is there now.
    """
    if regions:
        os.environ[OF_ALL_STAGES] = folder
        Platforms(Path(folder)).original(*regions)
    else:
        os.environ.pop(OF_ALL_STAGES, None)
        Platforms(Path(folder)).leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
