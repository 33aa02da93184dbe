# SPDX-License-Identifier: GPL-3.0-or-later
"""controller.yml makes the objects, then leaves them alone, with the modules of awx.awx and a fake of the controller.

The fake stores what it is given (tests/controller/fake.py), so what this shows is true of our own templating. A real
controller is asked by test_real_controller.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controller.fake import TOKEN, FakeController
from tests.controller.objects import object_files
from tests.controller.pages import commands, workplace
from tests.integration.aws import messages
from tests.integration.platforms import TOP

PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
OURS = re.compile(r"(AWS|LAB|ANSIBLE|CONTROLLER|TOWER)_")
READER = "arn:aws:iam::123456789012:role/trading-reader"
GIVEN = {
    "controller_project_url": "https://git.example.com/trading.git",
    "controller_execution_environment_image": "example.com/trading-multi-region:0.1.0",
    "controller_notification_url": "https://on-call.example.com/hook",
    "readiness_runner_arn": "arn:aws:iam::123456789012:role/failover-runner",
}


# Two platforms in parallel, one of which is that of the demo, and a third after an approval.
FIRM = {
    "name": "firm",
    "move": "failover",
    "variables": {"expected_active_region": "us-east-1", "target_region": "us-east-2"},
    "waves": [
        {
            "name": "core",
            "on_failure": "continue",
            "platforms": [{"name": "trading dev", "inventory": "x"}, {"name": "orders prod", "inventory": "y"}],
        },
        {"name": "front", "approval_minutes": 15, "platforms": [{"name": "web prod", "inventory": "z"}]},
    ],
}


def configure(environment, *options, **given):
    """Return exit code, output and the number of changes of a run of controller.yml for the demo's inventory."""
    words = ["playbooks/controller.yml", "-i", "inventories/demo", "-e", json.dumps(given), *options]
    return play(words, environment, TOP)


def play(words, environment, folder, started=None):
    """Run ansible-playbook; started: called with the id of the process, which is that of its group."""
    kept = {key: value for key, value in os.environ.items() if not OURS.match(key)}
    with subprocess.Popen(
        [PLAYBOOK, *words],
        env={**kept, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **environment},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        if started:
            started(process.pid)
        output, _nothing = process.communicate(timeout=1800)
    changed = re.search(r"^localhost +: .*changed=(\d+)", output, re.MULTILINE)
    return process.returncode, output, int(changed[1]) if changed else None


@pytest.fixture
def fake():
    with FakeController() as controller:
        yield controller


@pytest.fixture
def fewer(tmp_path):
    """A folder with every kind of object and every form of it, but few of them: each costs the start of a module."""
    folder = shutil.copytree(TOP / "extensions" / "controller", tmp_path / "controller")
    data = json.loads(json.dumps(object_files()))
    named = {one["name"]: one for kind in ("job_templates", "workflows") for one in data[kind]}
    leave = json.loads(json.dumps(named["Leave {region}"]).replace("{region}", "us-east-1"))
    readiness, approval, stopped = (leave["nodes"][place] for place in (0, 1, 4))
    readiness["failure_nodes"] = ["stopped"]
    # As the last check of the whole workflow: what follows it always, beside what follows on a failure.
    approval |= {"success_nodes": [], "failure_nodes": [], "always_nodes": ["stopped"]}
    stopped["extra_data"] = {"reason": "It did not arrive."}
    leave.update(nodes=[readiness, approval, stopped], each=None)
    small = {
        "credentials": data["credentials"][:2],
        "job_templates": [named["Readiness"], named["Failover out of {region}"], named["Stopped"]],
        "schedules": data["schedules"][2:4],
        "teams": data["teams"][:2],
        "workflows": [leave],
        "roles": [
            {"role": "execute", "teams": ["Operators"], "job_templates": ["Readiness"], "workflows": [leave["name"]]},
            {"role": "approval", "teams": ["Approvers"], "workflows": [leave["name"]]},
        ],
    }
    defaults = {"job_template_defaults": data["job_template_defaults"]}
    for kind, entries in small.items():
        more = defaults if kind == "job_templates" else {}
        # JSON is YAML too.
        (folder / f"{kind}.yml").write_text(json.dumps({**more, kind: entries}))
    return folder


@pytest.mark.nightly
def test_the_pages_commands_make_the_objects_put_back_what_was_changed_and_change_nothing_else(fake, fewer, tmp_path):
    secrets = {"FAILOVER_AWS_ACCESS_KEY_ID": "AKIDFAILOVER", "FAILOVER_AWS_SECRET_ACCESS_KEY": "not-to-be-shown"}
    secrets |= {"READ_ONLY_AWS_ROLE_ARN": READER, "READ_ONLY_AWS_EXTERNAL_ID": "trading-1"}
    environment = {"CONTROLLER_HOST": fake.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, **secrets}
    given = {**GIVEN, "controller_instances": {"us-east-1": ["east.example.com"]}}
    # What a reader of docs/controller.md has: a clone with an inventory, and a file with the variables of the page.
    folder = workplace(tmp_path / "clone", TOP / "inventories/demo", controller=json.dumps(given))
    look, make, turn_on = commands("controller", "ansible-playbook")[:3]

    code, output, changed = play(look[1:], environment, folder)
    assert (code, changed, fake.changes) == (0, 1, []), output[-3000:]
    assert "trading dev: Health check" in output
    (folder / "controller.yml").write_text(json.dumps({**given, "controller_folder": str(fewer)}))

    code, output, changed = play([*make[1:], "-v"], environment, folder)
    assert code == 0, output[-3000:]
    assert changed and TOKEN not in output and "not-to-be-shown" not in output
    expect_references(fake, inventory="production")
    expect_rights(fake)
    expect_secrets(fake, with_role=True)

    assert [one["enabled"] for one in fake.things["schedules"].values()] == [False, False], "nothing is provisioned yet"
    assert "controller_schedules_enabled=true" in output

    change_by_hand(fake)
    made = len(fake.changes)
    code, output, changed = play(turn_on[1:], environment, folder)
    assert code == 0 and changed, output[-3000:]
    assert len(fake.changes[made:]) == len(set(fake.changes[made:])) == 8, fake.changes[made:]
    expect_references(fake, inventory="production")
    expect_rights(fake)
    assert [one["enabled"] for one in fake.things["schedules"].values()] == [True, True]

    # A user who administers the organization, but may not edit one object of it.
    made, denied = len(fake.changes), "trading dev: Readiness"
    fake.user, fake.administers, fake.denied = {"username": "ann", "is_superuser": False}, {"trading dev"}, {denied}
    code, output, _changed = play(make[1:], environment, folder)
    assert code != 0 and len(fake.changes) == made
    sentence = f"ann may not change the job template '{denied}'; allowed: an administrator of the organization."
    assert sentence in unwrapped(output), output[-3000:]


@pytest.mark.nightly
def test_a_portfolio_is_a_workflow_of_the_job_templates_of_its_platforms_and_is_made_once(fake, fewer):
    environment = {"CONTROLLER_HOST": fake.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}
    given = {**GIVEN, "controller_folder": str(fewer), "controller_portfolio": FIRM}
    for name in ("orders prod", "web prod"):
        for template in ("Failover out of us-east-1", "Status", "Stopped"):
            fake.answer("POST", "/api/v2/job_templates/", {"name": f"{name}: {template}"})
    fake.answer("POST", "/api/v2/job_templates/", {"name": "trading dev: Status"})
    code, output, _changed = configure(environment, **given)
    assert code == 0, output[-3000:]
    workflow = fake.named("workflow_job_templates", "trading dev: Portfolio firm")
    kind = "workflow_job_template_nodes"
    nodes = {
        node["identifier"]: node
        for node in fake.things[kind].values()
        if node["workflow_job_template"] == workflow["id"]
    }
    moves = {name: nodes[name]["unified_job_template"] for name in ("trading dev", "orders prod", "web prod")}
    assert moves == {name: fake.named("job_templates", f"{name}: Failover out of us-east-1")["id"] for name in moves}
    assert nodes["web prod"]["extra_data"] == {"target_region": "us-east-2", "failover_reason": "portfolio firm"}
    follow = {name: fake.linked(kind, nodes[name], "always_nodes") for name in ("trading dev", "orders prod")}
    assert follow == dict.fromkeys(follow, ["approve front"]) and nodes["approve front"]["all_parents_must_converge"]
    assert fake.linked(kind, nodes["approve front"], "success_nodes") == ["web prod"]
    assert fake.linked(kind, nodes["orders prod"], "failure_nodes") == ["orders prod stopped"]
    holders = {role: fake.linked("roles", {"id": number}, "teams") for role, number in workflow["roles"].items()}
    assert holders["approval_role"] == ["trading dev: Approvers"]
    made = len(fake.changes)
    for more in ([], ["--check"]):
        code, output, changed = configure(environment, *more, **given)
        assert (code, changed, fake.changes[made:]) == (0, 0, []), output[-3000:]


@pytest.mark.nightly
def test_a_run_that_was_stopped_anywhere_goes_on_and_ends_with_nothing_to_change(fake, fewer):
    keys = {"FAILOVER_AWS_ACCESS_KEY_ID": "AKIDFAILOVER", "FAILOVER_AWS_SECRET_ACCESS_KEY": "not-to-be-shown"}
    environment = {"CONTROLLER_HOST": fake.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, **keys}
    given = {**GIVEN, "controller_folder": str(fewer), "controller_instances": {"us-east-1": ["east.example.com"]}}

    code, output, changed = configure(environment, "--check", **given)
    assert (code, changed, fake.changes) == (0, 1, []), output[-3000:]
    assert "trading dev: Failover out of us-east-1" in output

    fake.gone_after, stops = 10, 0
    while True:
        code, output, _changed = configure(environment, **given)
        if code == 0:
            break
        assert "502" in output or "Bad Gateway" in output, output[-3000:]
        stops, fake.gone_after = stops + 1, fake.gone_after + 10
    assert stops >= 5
    expect_references(fake)
    expect_rights(fake)
    expect_secrets(fake)

    fake.gone_after, made = None, len(fake.changes)
    for more in ([], ["--check"]):
        code, output, changed = configure(environment, *more, **given)
        assert (code, changed) == (0, 0), output[-3000:]
    # Nothing was even tried to be written, which is where the modules say "changed" in --check.
    assert fake.changes[made:] == []

    (stopped,) = (
        node for node in fake.things["workflow_job_template_nodes"].values() if node["identifier"] == "stopped"
    )
    fake.answer("DELETE", f"/api/v2/workflow_job_template_nodes/{stopped['id']}/", {})
    made = len(fake.changes)
    code, output, changed = configure(environment, "--check", **given)
    assert (code, changed, fake.changes[made:]) == (0, 1, []), output[-3000:]


@pytest.mark.nightly
def test_a_run_that_was_killed_at_any_change_goes_on_and_ends_with_nothing_to_change(fake, fewer):
    """Every tenth change is carried out, and the run that asked for it learns nothing of it."""
    keys = {"FAILOVER_AWS_ACCESS_KEY_ID": "AKIDFAILOVER", "FAILOVER_AWS_SECRET_ACCESS_KEY": "not-to-be-shown"}
    environment = {"CONTROLLER_HOST": fake.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, **keys}
    given = {**GIVEN, "controller_folder": str(fewer), "controller_instances": {"us-east-1": ["east.example.com"]}}
    words = ["playbooks/controller.yml", "-i", "inventories/demo", "-e", json.dumps(given)]
    groups, deaths, fatal = [], 0, 10

    def kill(number):
        if number == fatal:
            os.killpg(groups[-1], signal.SIGKILL)

    fake.at_change = kill
    while True:
        code, output, _changed = play(words, environment, TOP, groups.append)
        if code == 0:
            break
        assert code == -signal.SIGKILL, output[-3000:]
        deaths, fatal = deaths + 1, len(fake.changes) + 10
    assert deaths >= 5
    expect_references(fake)
    expect_rights(fake)
    expect_secrets(fake)
    made = len(fake.changes)
    code, output, changed = configure(environment, **given)
    assert (code, changed, fake.changes[made:]) == (0, 0, []), output[-3000:]


@pytest.mark.nightly
def test_behind_a_gateway_what_exists_is_used_and_nothing_that_the_gateway_manages_is_changed(fake, fewer):
    """As on Ansible Automation Platform 2.5 and later, with a project and an image of the organization's own."""
    own = fake.answer("POST", "/api/v2/organizations/", {"name": "Trading", "description": "Ours."})[1]["id"]
    of_theirs = {"organization": own}
    for name in ("Operators", "Approvers"):
        fake.answer("POST", "/api/v2/teams/", {"name": f"trading dev: {name}", "description": "", **of_theirs})
    fake.answer("POST", "/api/v2/projects/", {"name": "Platform", "description": "", **of_theirs})
    fake.answer("POST", "/api/v2/execution_environments/", {"name": "Certified", "description": "", **of_theirs})
    fake.has_gateway, before = True, len(fake.changes)
    environment = {"CONTROLLER_HOST": fake.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}
    environment["CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX"] = fake.api
    given = {key: GIVEN[key] for key in ("controller_notification_url", "readiness_runner_arn")}
    given |= {"controller_folder": str(fewer), "controller_organization_name": "Trading"}
    given |= {"controller_project_name": "Platform", "controller_execution_environment_name": "Certified"}
    given |= {"controller_playbook_folder": "operations"}

    code, output, _changed = configure(environment, **given)
    assert code == 0, output[-3000:]
    assert not [
        one for one in fake.changes[before:] if re.search("/v2/(organizations|teams|projects|execution_e[a-z_]*)/", one)
    ]
    readiness = fake.named("job_templates", "trading dev: Readiness")
    assert readiness["playbook"] == "operations/readiness.yml"
    assert readiness["project"] == fake.named("projects", "Platform")["id"]
    expect_rights(fake)
    made = len(fake.changes)
    code, output, changed = configure(environment, "--check", **given)
    assert (code, changed, fake.changes[made:]) == (0, 0, []), output[-3000:]


def change_by_hand(fake):
    """Change what was not put back on a real controller, and leave a link that an earlier version could make."""
    failover = fake.named("job_templates", "trading dev: Failover out of us-east-1")
    failover |= {"timeout": 60, "limit": "nobody", "job_tags": "x", "verbosity": 4, "forks": 1}
    operators, approvers = (fake.named("teams", f"trading dev: {name}")["id"] for name in ("Operators", "Approvers"))
    fake.links["roles", failover["roles"]["execute_role"], "teams"] = [operators]
    workflow = fake.named("workflow_job_templates", "trading dev: Leave us-east-1")
    fake.links["roles", workflow["roles"]["admin_role"], "teams"] = [approvers]
    nodes = {node["identifier"]: node["id"] for node in fake.things["workflow_job_template_nodes"].values()}
    kind = "workflow_job_template_nodes"
    fake.links[kind, nodes["approval"], "always_nodes"] = []
    fake.links[kind, nodes["approval"], "success_nodes"] = [nodes["stopped"]]
    stray = fake.answer("POST", f"/api/v2/{kind}/", {"identifier": "old", "workflow_job_template": workflow["id"]})[1]
    fake.links[kind, nodes["readiness"], "failure_nodes"].append(stray["id"])


def expect_references(fake, inventory="demo"):
    """Everything that an object names is what it was linked with, in its order."""
    failover = fake.named("job_templates", "trading dev: Failover out of us-east-1")
    assert json.loads(failover["extra_vars"]) == {"expected_active_region": "us-east-1"}
    groups = ["trading dev: us-east-2", "trading dev: us-east-1"]
    assert fake.linked("job_templates", failover, "instance_groups") == groups
    assert fake.linked("job_templates", failover, "credentials") == ["trading dev: Failover runner"]
    assert fake.linked("job_templates", failover, "notification_templates_error") == ["trading dev: On-call"]
    assert [question["variable"] for question in failover["survey_spec"]["spec"]][:2] == ["target_region", "method"]
    group = fake.named("instance_groups", "trading dev: us-east-1")
    assert group["policy_instance_list"] == ["east.example.com"]
    (source,) = fake.things["inventory_sources"].values()
    assert source["source_path"] == f"inventories/{inventory}"
    nodes = {node["identifier"]: node for node in fake.things["workflow_job_template_nodes"].values()}
    links = {
        (name, link): fake.linked("workflow_job_template_nodes", node, link)
        for name, node in nodes.items()
        for link in ("success_nodes", "failure_nodes", "always_nodes", "instance_groups")
    }
    assert {key: value for key, value in links.items() if value} == {
        ("readiness", "success_nodes"): ["approval"],
        ("readiness", "failure_nodes"): ["stopped"],
        ("readiness", "instance_groups"): groups,
        ("approval", "always_nodes"): ["stopped"],
        ("stopped", "instance_groups"): groups,
    }
    assert nodes["stopped"]["extra_data"] == {"reason": "It did not arrive."}
    (approval,) = fake.things["workflow_approval_templates"].values()
    assert nodes["approval"]["unified_job_template"] == approval["id"] and approval["timeout"] == 900


def expect_rights(fake):
    """Approvers have the role to approve, and none to start."""
    workflow = fake.named("workflow_job_templates", "trading dev: Leave us-east-1")
    holders = {role: fake.linked("roles", {"id": number}, "teams") for role, number in workflow["roles"].items()}
    assert {role: teams for role, teams in holders.items() if teams} == {
        "execute_role": ["trading dev: Operators"],
        "approval_role": ["trading dev: Approvers"],
    }


def expect_secrets(fake, with_role=False):
    """The keys of the environment are in the credential, and the type injects them by AWX's own templates."""
    inputs = {one["name"].partition(": ")[2]: one.get("inputs") for one in fake.things["credentials"].values()}
    keys = {"access_key": "AKIDFAILOVER", "secret_key": "not-to-be-shown"}
    types = {one["id"]: one for one in fake.things["credential_types"].values()}
    reader = fake.named("credentials", "trading dev: Read-only runner")
    if with_role:
        assert inputs == {"Failover runner": keys, "Read-only runner": {"role_arn": READER, "external_id": "trading-1"}}
        injected = types[reader["credential_type"]]["injectors"]["extra_vars"]
        assert injected == {"aws_role_arn": "{{ role_arn }}", "aws_external_id": "{{ external_id }}"}
    else:
        assert inputs == {"Failover runner": keys, "Read-only runner": None}
    kind = types[fake.named("credentials", "trading dev: Failover runner")["credential_type"]]
    assert "extra_vars" not in kind["injectors"], "it would override the inventory's"
    assert kind["injectors"]["env"]["AWS_ACCESS_KEY_ID"] == "{{ access_key }}"


def unwrapped(output):
    return " ".join(output.replace("''", "'").split())


@pytest.mark.parametrize(
    ("trouble", "sentences"),
    [
        (
            "no controller",
            ["The controller http://127.0.0.1:", "could not be read, so nothing was changed: ", "Connection refused"],
        ),
        ("wrong token", ["could not be read, so nothing was changed: Invalid authentication credentials for "]),
        (
            "older server and others' objects",
            [
                "The controller's version is 21.14.0; allowed: AWX 24.0 or later, automation controller 4.5 or later.",
                "The organization 'trading dev' exists with the description 'Desks'; allowed: ",
                "controller_project_name is 'Nobody'; allowed: the name of an existing project of the organization.",
            ],
        ),
        (
            "portfolio of a platform without job templates",
            ["controller_portfolio needs the job template 'orders prod: Failover out of us-east-1'; allowed: "],
        ),
        ("refused survey", ["job_templates: Readiness: the survey's max_replication_lag_ms has question 5; allowed: "]),
    ],
)
def test_what_would_stop_a_run_half_way_is_reported_by_name_and_nothing_is_made(fake, fewer, trouble, sentences):
    environment, given = {"CONTROLLER_HOST": fake.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}, dict(GIVEN)
    if trouble == "no controller":
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            environment["CONTROLLER_HOST"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
    if trouble == "wrong token":
        environment["CONTROLLER_OAUTH_TOKEN"] = "of-nobody"
    if trouble == "older server and others' objects":
        fake.answer("POST", "/api/v2/organizations/", {"name": "trading dev", "description": "Desks"})
        fake.version, given["controller_project_name"] = "21.14.0", "Nobody"
    if trouble == "refused survey":
        path = fewer / "job_templates.yml"
        path.write_text(re.sub(r'("max_replication_lag_ms": \{"question": )"[^"]*"', r"\g<1>5", path.read_text()))
    if trouble == "portfolio of a platform without job templates":
        given["controller_portfolio"] = FIRM
    before = list(fake.changes)
    code, output, _changed = configure(environment, **given, controller_folder=str(fewer))
    assert code != 0
    for sentence in sentences:
        assert sentence in unwrapped(output), output[-3000:]
    assert fake.changes == before and "of-nobody" not in output


def test_all_that_is_missing_is_reported_together_before_the_controller_is_asked(fake):
    code, output, _changed = configure({"CONTROLLER_HOST": "awx", "CONTROLLER_VERIFY_SSL": "perhaps"})
    assert code != 0
    for sentence in (
        "CONTROLLER_HOST is 'awx'; allowed: the controller's address",
        "CONTROLLER_OAUTH_TOKEN is not set; allowed: a token, or CONTROLLER_USERNAME and CONTROLLER_PASSWORD",
        "CONTROLLER_VERIFY_SSL is 'perhaps'; allowed: true or false",
        *(f"{name} is not given; allowed: " for name in GIVEN),
    ):
        assert sentence in output, output[-3000:]


def test_without_awx_awx_the_collection_that_is_missing_is_named(tmp_path):
    ours = tmp_path / "ansible_collections" / "trading"
    ours.mkdir(parents=True)
    (ours / "multi_region").symlink_to(TOP)
    for name in ("amazon", "community"):
        (ours.parent / name).symlink_to(TOP / ".collections" / "ansible_collections" / name)
    code, output, _changed = configure({"ANSIBLE_COLLECTIONS_PATH": str(tmp_path)}, **GIVEN)
    assert code != 0
    assert "The collection awx.awx is not installed; allowed: ansible-galaxy collection install awx.awx" in output


def test_bad_inputs_are_reported_by_name_value_and_what_is_allowed():
    given = {
        "controller_notification_url": "on-call",
        "controller_instances": {"moon": []},
        "controller_projekt_url": "x",
    }
    code, output, _changed = configure({}, **given)
    assert code != 0
    for sentence in (
        "controller_notification_url is 'on-call'; allowed: an address",
        "a key of controller_instances is 'moon'; allowed: the code of an AWS region",
        "did you mean controller_project_url?",
    ):
        assert sentence in output, output[-3000:]


def test_a_workflow_that_did_not_arrive_tells_people_in_every_region_what_was_heard_and_fails(platform):
    heard = {"readiness": {"reason": "Not a single standby."}, "rto_seconds": None, "failover": None}
    run = platform.run("stopped", "-e", json.dumps(heard))
    assert run.code != 0
    assert "Readiness: Not a single standby." in run.output and "Failover: not started" in run.output
    assert [len(messages(platform.lab, region)) for region in platform.regions] == [1, 1]


@pytest.mark.parametrize("trouble", ["no template", "no answer"])
def test_an_announcement_that_the_controller_does_not_accept_stops_nothing(fake, tmp_path, trouble):
    """tasks/announce_job.yml is in the way of an automatic failover, which must begin all the same."""
    playbook = tmp_path / "announce.yml"
    include = {
        "ansible.builtin.include_tasks": str(TOP / "playbooks/tasks/announce_job.yml"),
        "vars": {"announced": "x"},
    }
    end = {"ansible.builtin.debug": {"msg": "The move begins."}}
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [include, end]}]))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = {"no template": fake.url, "no answer": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        environment = {"CONTROLLER_HOST": hosts[trouble], "CONTROLLER_OAUTH_TOKEN": TOKEN}
        code, output, changed = play([playbook, "-i", "inventories/demo", "-v"], environment, TOP)
    assert (code, changed) == (0, 0), output[-3000:]
    assert "did not start trading dev: Announce automatic failover" in unwrapped(output)
    assert "The move begins." in output and TOKEN not in output
