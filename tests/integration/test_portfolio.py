# SPDX-License-Identifier: GPL-3.0-or-later
"""Several platforms in waves: in order, in parallel, stopped by a failure, continued by the same command.

Each platform of the long story has a lab of its own. What does not depend on AWS is shown with stand-ins for the
playbooks that a platform's run consists of.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.aws import control_item, name_points_at, runs, writer_region
from tests.integration.platforms import TOP, Platform, Run, run_playbook
from tests.integration.test_orphans import IN_FLIGHT_S, LEASE_S, at_step
from tests.integration.test_report import fits

HOME, TARGET = "us-east-1", "us-east-2"
# A platform's run: it arrives unless its inventory has a file `broken`, and is there already if it has arrived before.
STAND_IN = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        began: "{{ lookup('trading.multi_region.command_start') }}"
        outcome: "{{ 'unchanged' if was is file else 'failed' if broken is file else 'successful' }}"
      vars: {was: "{{ inventory_dir }}/arrived", broken: "{{ inventory_dir }}/broken"}
    - ansible.builtin.set_fact:
        ran:
          run_id: "r-{{ inventory_dir | basename }}"
          outcome: "{{ outcome }}"
          trigger: "{{ failover_reason }}"
          from_region: us-east-1
          target_region: "{{ target_region }}"
          started_at: "{{ began | float }}"
          rto_seconds: "{{ none if outcome == 'failed' else 1.5 }}"
          rpo_bound_ms: 0
    - ansible.builtin.copy:
        content: "{{ {'runs': [ran]} | to_json }}"
        dest: "{{ inventory_dir }}/arrived"
      when: outcome == 'successful'
    - ansible.builtin.set_stats:
        data:
          outcome: "{{ outcome }}"
          outcome_reason: It says why.
          active_region: "{{ target_region }}"
          failover: "{{ ran }}"
    - ansible.builtin.fail:
      when: outcome == 'failed'
"""
HISTORY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {src: "{{ inventory_dir }}/arrived", dest: "{{ status_file }}"}
"""
PROFILE = """
[profile {name}]
endpoint_url = {url}
aws_access_key_id = {key}
aws_secret_access_key = {secret}
"""


@dataclass
class Firm:
    """A portfolio of the platforms orders and prices, then web, in a folder of its own.

    variables: of the environment. given: of the platforms' runs. told: the report of the latest run.
    """

    folder: Path
    playbook: Path = TOP / "playbooks/portfolio.yml"
    variables: dict[str, str] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=lambda: {"target_region": TARGET})
    told: dict[str, Any] = field(default_factory=dict)

    def write(self, move: str = "switchover", front: dict[str, Any] | None = None, **core: Any) -> None:
        """Write the portfolio; core, front: what the two waves have besides."""
        waves = [
            {"name": "core", "platforms": [self.platform("orders"), self.platform("prices")], **core},
            {"name": "front", "platforms": [self.platform("web")], **(front or {})},
        ]
        made = {"name": "firm", "move": move, "variables": self.given, "waves": waves}
        (self.folder / "firm.yml").write_text(yaml.safe_dump({"portfolio": made}))

    def platform(self, name: str, **variables: Any) -> dict[str, Any]:
        return {"name": name, "inventory": name, "variables": variables}

    def run(self, *options: str, meanwhile: Callable[[int], None] | None = None) -> Run:
        given = ("-e", "@firm.yml", "-e", "portfolio_report_file=report.html", "-e", "failover_reason=INC-1")
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        run = run_playbook(
            self.playbook,
            *given,
            *options,
            lab=None,
            inventory=self.folder / "empty",
            folder=self.folder,
            variables={
                **self.variables,
                "PWD": str(self.folder),
                "TRADING_MULTI_REGION_ARTIFACTS_FILE": str(told),
            },
            meanwhile=meanwhile,
        )
        handed_on = json.loads(told.read_text()) if told.exists() else {}
        self.told = handed_on.get("portfolio_outcome", {})
        return run

    def rows(self, *columns: str) -> dict[str, Any]:
        """Some columns of the table that the latest run has handed on, by platform."""
        return {row["platform"]: tuple(row[name] for name in columns) for row in self.told["platforms"]}

    def outcomes(self) -> dict[str, str]:
        return {name: outcome for name, (outcome,) in self.rows("outcome").items()}

    def alive(self) -> list[int]:
        """The processes that still work in the folder."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
                is_here = (place / "cwd").resolve() == self.folder.resolve()
            except OSError:
                continue
            if is_here and b"playbook" in words:
                found.append(int(place.name))
        return found


@pytest.fixture
def firm(tmp_path) -> Firm:
    """A firm whose platforms are stand-ins."""
    shutil.copytree(TOP / "playbooks", tmp_path / "playbooks")
    (tmp_path / "playbooks/switchover.yml").write_text(STAND_IN)
    (tmp_path / "playbooks/status.yml").write_text(HISTORY)
    (tmp_path / "empty").touch()
    for name in ("orders", "prices", "web"):
        (tmp_path / name).mkdir()
        own = "ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}}"
        (tmp_path / name / "hosts").write_text(f"localhost {own}")
    return Firm(tmp_path, tmp_path / "playbooks/portfolio.yml")


def of_labs(folder: Path, platforms: dict[str, Platform]) -> Firm:
    """A firm each of whose platforms is in a lab: a profile leads there, as to an account of its own."""
    profiles = []
    for name, platform in platforms.items():
        env, inventory = platform.lab.env(), folder / name
        (inventory / "group_vars/all").mkdir(parents=True)
        (inventory / "hosts").write_text((platform.inventory / "hosts").read_text())
        for part in (platform.inventory / "group_vars/all").iterdir():
            (inventory / "group_vars/all" / part.name).symlink_to(part.resolve())
        own = {"aws_profile": name, "traffic_dns_servers": [env["LAB_DNS_SERVER"]]}
        own |= {"traffic_probe_proxy": env["LAB_PROBE_PROXY"]}
        (inventory / "group_vars/all/95_lab.yml").write_text(json.dumps(own))
        key = {"key": env["AWS_ACCESS_KEY_ID"], "secret": env["AWS_SECRET_ACCESS_KEY"]}
        profiles.append(PROFILE.format(name=name, url=env["AWS_ENDPOINT_URL"], **key))
    (folder / "aws").write_text("".join(profiles))
    (folder / "empty").touch()
    # An empty address counts as none, so that of the profile does.
    aws = {"AWS_CONFIG_FILE": str(folder / "aws"), "AWS_ENDPOINT_URL": "", "AWS_EC2_METADATA_DISABLED": "true"}
    return Firm(folder, variables={**aws, "AWS_DEFAULT_REGION": HOME})


def changes(platform: Platform, since: float = 0.0) -> list[str]:
    return [call["operation"] for call in platform.lab.calls(since) if call["mutating"]]


def test_bad_input_is_refused_in_one_message_before_any_run(firm):
    firm.write(colour="red")
    run = firm.run()
    assert run.code != 0 and "a key of portfolio.waves[0] is 'colour'; allowed: name, on_failure" in plain(run)
    firm.given["target_regoin"] = "x"
    firm.write(front={"platforms": [firm.platform("orders"), {"name": "web", "inventory": "nowhere"}]})
    run = firm.run()
    assert run.code != 0
    for sentence in (
        "a platform of the portfolio is 'orders'; allowed: each once.",
        "inventory of web is 'nowhere'; allowed: the path of an inventory that exists.",
        "target_regoin is not a variable of the playbooks; did you mean target_region?",
    ):
        assert sentence in plain(run), run.output
    run = firm.run("--limit", "web")
    assert run.code != 0 and "--limit is 'web'; allowed: none, because the portfolio names its platforms." in plain(run)
    assert not (firm.folder / "portfolio-logs").exists() and not list(firm.folder.glob("*/arrived"))


def test_a_failure_stops_the_next_wave_and_the_same_command_goes_on_with_the_rto_of_the_whole(firm):
    firm.write()
    broken = firm.folder / "prices/broken"
    broken.touch()
    run = firm.run()
    assert run.code != 0 and "1 of 3 platforms have arrived. Run the same command again; it continues." in plain(run)
    assert firm.outcomes() == {"orders": "successful", "prices": "failed", "web": "not started"}
    assert "prices of wave core has not arrived (failed)." in plain(run)
    assert not (firm.folder / "web/arrived").exists()
    (first,) = firm.rows("started_at")["orders"]

    broken.unlink()
    firm.run().ends_well()
    assert firm.outcomes() == {"orders": "unchanged", "prices": "successful", "web": "successful"}
    assert firm.told["started_at"] == pytest.approx(first, abs=0.01), "it goes on with the run that has moved orders"
    last = max(there for (there,) in firm.rows("traffic_at").values())
    assert firm.told["rto_seconds"] == pytest.approx(last - first, abs=0.06) and last - first > 1.5
    assert firm.rows("run_id", "rto_seconds")["orders"] == ("r-orders", 1.5)
    report = (firm.folder / "report.html").read_text()
    assert f"RTO of the portfolio {firm.told['rto_seconds']} s" in report and "3 of 3 platforms have arrived" in report
    assert {path.name for path in firm.folder.glob("portfolio-logs/*/*.log")} == {"orders.log", "prices.log", "web.log"}


@pytest.mark.nightly
def test_a_wave_that_may_fail_is_followed_by_the_next_once_that_is_approved(firm):
    firm.write(on_failure="continue", front={"approval_minutes": 5})
    (firm.folder / "prices/broken").touch()

    def approve(_group: int) -> None:
        deadline = time.monotonic() + 120
        while not (found := list(firm.folder.glob("portfolio-logs/*/prices.json"))):
            assert time.monotonic() < deadline, "prices has not ended"
            time.sleep(0.2)
        assert not (firm.folder / "web/arrived").exists(), "it waits for the approval"
        (found[0].parent / "approve-front").touch()

    run = firm.run(meanwhile=approve)
    assert run.code != 0 and "2 of 3 platforms have arrived" in plain(run)
    assert firm.outcomes() == {"orders": "successful", "prices": "failed", "web": "successful"}
    assert firm.told["rto_seconds"] is None, "the firm is not whole"


@pytest.mark.nightly
def test_a_wave_that_nobody_approves_is_not_begun(firm):
    firm.write(front={"approval_minutes": 1})
    run = firm.run()
    assert run.code != 0 and firm.outcomes() == {"orders": "successful", "prices": "successful", "web": "not approved"}
    assert "web: Its wave was not approved within the time." in plain(run)
    assert not (firm.folder / "web/arrived").exists()


@pytest.mark.nightly
def test_a_dry_run_shows_that_of_every_platform_and_changes_nothing(platform, tmp_path):
    firm = of_labs(tmp_path, dict.fromkeys(("orders", "prices", "web"), platform))
    since = time.time()
    # What is refused before it has a plan ends its dry run, and no other one.
    firm.write(platforms=[firm.platform("orders"), firm.platform("prices", expected_active_region=TARGET)])
    run = firm.run("--check")
    assert firm.outcomes() == {"orders": "planned", "prices": "refused", "web": "planned"}, run.output
    assert firm.rows("from_region", "target_region")["web"] == (HOME, TARGET)
    assert plain(run).count("promote_request in") == 2, run.output
    assert changes(platform, since) == [] and not (tmp_path / "report.html").exists()


def write_one(firm: Firm, **variables: Any) -> None:
    """Write a portfolio of one platform, which leaves a region that works."""
    waves = [{"name": "core", "platforms": [firm.platform("orders", force=True, wait_timeout=1800, **variables)]}]
    made = {"name": "firm", "move": "failover", "variables": firm.given, "waves": waves}
    (firm.folder / "firm.yml").write_text(yaml.safe_dump({"portfolio": made}))


@pytest.mark.nightly
def test_nothing_that_a_killed_portfolio_has_started_goes_on_and_the_same_command_finishes_it(platform, tmp_path):
    lab = platform.lab
    lab.settings(promotion_stuck=True)
    firm = of_labs(tmp_path, {"orders": platform})
    write_one(firm, failover_lease_seconds=LEASE_S)
    killed_at = []

    def kill(group: int) -> None:
        os.killpg(group, signal.SIGKILL)
        killed_at.append(time.time())

    assert firm.run(meanwhile=at_step(platform, "promote_wait", kill)).code == -signal.SIGKILL
    time.sleep(LEASE_S + 2)
    assert [call["operation"] for call in lab.calls(killed_at[0] + IN_FLIGHT_S) if call["mutating"]] == []
    assert firm.alive() == []

    lab.settings(promotion_stuck=False)
    # With a lease that also a busy machine renews in time.
    write_one(firm)
    firm.run().ends_well()
    (record,) = runs(lab, TARGET)
    assert (record["attempt"], record["trigger"], firm.outcomes()) == (2, "INC-1", {"orders": "successful"})
    assert firm.told["started_at"] == pytest.approx(record["started_at"])
    assert changes(platform).count("FailoverGlobalCluster") == 1


@pytest.mark.nightly
def test_a_cancelled_portfolio_gives_back_the_leases_of_its_platforms(platform, tmp_path):
    lab = platform.lab
    lab.settings(promotion_stuck=True)
    firm = of_labs(tmp_path, {"orders": platform})
    write_one(firm)
    # As Ctrl-C, AWX and systemd do: to the command, which passes it on.
    run = firm.run(meanwhile=at_step(platform, "promote_wait", lambda group: os.kill(group, signal.SIGTERM)))
    assert run.code != 0
    deadline = time.monotonic() + 15
    while (control_item(lab, TARGET, "lease")["outcome"] == "running" or firm.alive()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert control_item(lab, TARGET, "lease")["outcome"] == "stopped" and firm.alive() == []


@pytest.mark.nightly
def test_three_platforms_in_two_waves_one_of_which_fails_and_is_resumed(copy_of, tmp_path):
    platforms = {name: copy_of(HOME, TARGET) for name in ("orders", "prices", "web")}
    firm = of_labs(tmp_path, platforms)
    firm.write(platforms=[firm.platform("orders"), firm.platform("prices", wait_timeout=20)])
    platforms["prices"].lab.settings(promotion_stuck=True)
    platforms["web"].lab.clear_calls()
    run = firm.run()
    assert run.code != 0
    assert firm.outcomes() == {"orders": "successful", "prices": "failed", "web": "not started"}, run.output
    assert platforms["web"].lab.calls() == []
    began = {name: started for name, (started,) in firm.rows("started_at").items()}
    assert abs(began["orders"] - began["prices"]) < 5, "those of a wave move in parallel"
    (failed,) = firm.rows("run_id")["prices"]

    platforms["prices"].lab.settings(promotion_stuck=False)
    platforms["orders"].lab.clear_calls()
    again = firm.run().ends_well()
    assert firm.outcomes() == {"orders": "unchanged", "prices": "successful", "web": "successful"}, again.output
    assert changes(platforms["orders"]) == [], "it is there already"
    assert firm.rows("run_id")["prices"] == (failed,)
    for platform in platforms.values():
        assert (writer_region(platform.lab, TARGET), name_points_at(platform.lab)) == (TARGET, TARGET)
    records = {name: runs(platform.lab, TARGET)[0] for name, platform in platforms.items()}
    assert records["prices"]["attempt"] == 2
    first = min(record["started_at"] for record in records.values())
    last = max(record["started_at"] + record["rto_seconds"] for record in records.values())
    assert firm.told["rto_seconds"] == pytest.approx(last - first, abs=0.1)
    page = (tmp_path / "report.html").read_text()
    assert "3 of 3 platforms have arrived" in page
    fits(page, tmp_path, "portfolio")


def plain(run: Run) -> str:
    """The output, however YAML has folded and quoted it."""
    return " ".join(run.output.replace("''", "'").split())
