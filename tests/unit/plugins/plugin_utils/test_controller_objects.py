# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Promises of the controller's objects: of the files in extensions/controller, and of what is made of them."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_objects import (
    EXISTING,
    KEYS,
    LINKS,
    REFERENCES,
    REQUIRED,
    controller_extra_roles,
    controller_links,
    controller_objects,
    groups_in_order,
    requirement_problems,
)
from tests.controller.objects import ROOT, object_files, objects
from tests.controller.pages import BLOCK
from tests.controller.surveys import answers_problem, spec_problem

TWO = ("us-east-1", "us-east-2")
PAGE = ROOT / "docs" / "controller.md"
THREE = ("us-east-1", "us-east-2", "eu-west-1")
PLAYBOOKS_ASKED_FOR = "site health_check readiness failover switchover failback drill status teardown".split()
# Where a workflow ends, so that nothing can follow on a failure. AWX reports that itself.
ENDS = {"stopped", "status"}


def by_name(entries):
    return {entry["name"].partition(": ")[2]: entry for entry in entries}


@pytest.fixture(scope="module", params=[TWO, THREE], ids=len)
def made(request):
    return {**objects(*request.param), "regions": request.param}


def test_every_playbook_has_a_template_and_every_template_its_playbook(made):
    used = {template["playbook"] for template in made["job_templates"]}
    assert {f"playbooks/{name}.yml" for name in PLAYBOOKS_ASKED_FOR} <= used
    assert [path for path in used if not (ROOT / path).is_file()] == []


def test_every_survey_is_one_that_awx_stores(made):
    asking = [one for kind in ("job_templates", "workflows") for one in made[kind]]
    sentences = {one["name"]: spec_problem(one["survey_spec"]) for one in asking if one["survey_enabled"]}
    assert len(sentences) > 10 and not any(sentences.values()), sentences


def test_every_question_is_about_a_variable_that_the_playbook_reads(made):
    def text_of(path: Path, seen: set[Path]) -> str:
        seen.add(path)
        text = path.read_text()
        names = re.findall(r"(?:import|include)_\w+: \"?([\w/.{} -]+\.yml)", text)
        # A templated name counts as every file that it can name.
        found = [one for name in names for one in path.parent.glob(re.sub(r"{{.*?}}", "*", name))]
        return text + "".join(text_of(one, seen) for one in found if one not in seen)

    for template in made["job_templates"]:
        read = text_of(ROOT / template["playbook"], set())
        asked = [question["variable"] for question in template["survey_spec"].get("spec", ())]
        assert [name for name in asked if not re.search(rf"\b{name}\b", read)] == [], template["name"]


def test_a_node_gives_only_answers_that_its_template_takes(made):
    templates = {template["name"]: template for template in made["job_templates"]}
    for workflow in made["workflows"]:
        for node in workflow["nodes"]:
            if "job_template" in node:
                template, given = templates[node["job_template"]], node.get("extra_data", {})
                spec = template["survey_spec"] or {"spec": []}
                assert given.keys() <= {question["variable"] for question in spec["spec"]}
                assert answers_problem(spec, given) is None, node
                assert not node["instance_groups"] or template["ask_instance_groups_on_launch"]


def test_whatever_fails_in_a_workflow_leads_to_people_and_to_status(made):
    for workflow in made["workflows"]:
        nodes = {node["identifier"]: node for node in workflow["nodes"]}
        assert {name for name, node in nodes.items() if not node.get("failure_nodes")} == ENDS
        for name in nodes.keys() - ENDS:
            assert {*nodes[name]["failure_nodes"], *nodes[name].get("always_nodes", ())} == ENDS
        templates = {template["name"]: template for template in made["job_templates"]}
        assert all(templates[nodes[name]["job_template"]]["notification_templates_error"] for name in ENDS)
        assert workflow["notification_templates_error"] and workflow["notification_templates_approvals"]


def test_a_workflow_reaches_all_its_nodes_and_moves_only_after_readiness_and_approval(made):
    for workflow in made["workflows"]:
        nodes = {node["identifier"]: node for node in workflow["nodes"]}
        way = ["readiness"]
        while followers := [*nodes[way[-1]].get("success_nodes", ()), *nodes[way[-1]].get("always_nodes", ())]:
            way += followers
        assert way == ["readiness", "approval", "failover", "verify", "status"]
        assert 0 < nodes["approval"]["approval"]["timeout"] <= 3600


def test_who_approves_a_move_cannot_start_one_and_who_starts_it_cannot_approve(made):
    may = {
        (team, role["role"], thing)
        for role in made["roles"]
        for team in role["teams"]
        for kind in ("job_templates", "workflows")
        for thing in role.get(kind, ())
    }
    approvers = {team for team, role, _thing in may if role == "approval"}
    starters = {team for team, role, _thing in may if role == "execute"}
    assert approvers and starters and not approvers & starters
    assert {role for team, role, _thing in may if team in approvers} == {"approval"}
    workflows = {workflow["name"] for workflow in made["workflows"]}
    assert {thing for _team, role, thing in may if role == "approval"} == workflows
    assert workflows <= {thing for _team, role, thing in may if role == "execute"}
    # A user who starts the workflow cannot bypass its approval.
    operators = {team for team, role, thing in may if thing in workflows and role == "execute"}
    moves = re.compile("Failover|Switchover|Failback|Drill|Retire|Teardown|Provision|Rebuild")
    assert [thing for team, _role, thing in may if team in operators and moves.search(thing)] == []


def test_a_move_out_of_a_region_runs_in_the_others_first(made):
    templates, workflows = by_name(made["job_templates"]), by_name(made["workflows"])
    for region in made["regions"]:
        others = [f"trading dev: {other}" for other in made["regions"] if other != region]
        template, workflow = templates[f"Failover out of {region}"], workflows[f"Leave {region}"]
        assert template["instance_groups"] == [*others, f"trading dev: {region}"]
        assert template["extra_vars"] == {"expected_active_region": region}
        assert region not in template["survey_spec"]["spec"][0]["choices"]
        placed = {tuple(node["instance_groups"]) for node in workflow["nodes"] if node["instance_groups"]}
        assert placed == {(*others, f"trading dev: {region}")}


def test_what_looks_on_a_schedule_runs_outside_the_preferred_region_first(made):
    template = by_name(made["job_templates"])["Health check"]
    assert template["instance_groups"][-1] == f"trading dev: {made['regions'][0]}"
    assert len(template["instance_groups"]) == len(made["regions"])


def test_what_a_move_needs_is_not_fetched_when_it_starts(made):
    assert [one["scm_update_on_launch"] for one in made["projects"]] == [False]
    assert [one["update_on_launch"] for one in made["inventory_sources"]] == [False]
    assert {one["pull"] for one in made["execution_environments"]} == {"missing"}


def test_a_job_that_hangs_in_a_lost_region_holds_no_move_and_no_look_back(made):
    templates = by_name(made["job_templates"])
    alone = {name for name, template in templates.items() if not template.get("allow_simultaneous")}
    assert alone == {"Provision", "Upgrade", "Drill", "Automation", "Retire region", "Teardown"}
    assert all(workflow["allow_simultaneous"] for workflow in made["workflows"])


def test_health_is_looked_at_every_minute_and_readiness_every_half_hour(made):
    rules = {(one["unified_job_template"].partition(": ")[2], one["rrule"]) for one in made["schedules"]}
    health = {rule for template, rule in rules if template == "Health check"}
    assert len(health) == 2 and all(rule.endswith("FREQ=MINUTELY;INTERVAL=1") for rule in health)
    (readiness,) = (rule for template, rule in rules if template == "Readiness")
    assert readiness.endswith("FREQ=MINUTELY;INTERVAL=30")


def test_one_health_check_of_two_starts_in_other_nodes(made):
    template = by_name(made["job_templates"])["Health check"]
    first, second = (one for one in made["schedules"] if one["unified_job_template"] == template["name"])
    assert "instance_groups" not in first, "those of the template"
    assert second["instance_groups"][0] != template["instance_groups"][0]
    assert sorted(second["instance_groups"]) == sorted(template["instance_groups"])


def test_what_moves_tells_people_when_it_starts_and_how_it_ends_and_has_no_time_out_of_a_job(made):
    moves = re.compile("Failover|Switchover|Failback|Rebuild|Leave")
    for one in [*made["job_templates"], *made["workflows"]]:
        told = [one[f"notification_templates_{when}"] for when in ("started", "success", "error")]
        assert told[2] == ["trading dev: On-call"]
        started = moves.search(one["name"]) or "Announce" in one["name"]
        assert told[:2] == [told[2] if started else [], told[2] if moves.search(one["name"]) else []]
    may_move = [one for one in made["job_templates"] if moves.search(one["name"]) or "Health" in one["name"]]
    assert {one["timeout"] for one in may_move} == {0}


def test_the_files_hold_no_secret():
    texts = [path.read_text() for path in (ROOT / "extensions" / "controller").glob("*.yml")]
    credentials = object_files()["credentials"]
    assert all(re.fullmatch(r"[A-Z_]+", one["environment"]) and "inputs" not in one for one in credentials)
    assert not [
        text for text in texts if re.search(r"AKIA|ASIA|\$ANSIBLE_VAULT|(password|token|secret_key): [^\"{\s]", text)
    ]


def test_names_are_of_one_environment_and_unlike_any_other(made):
    for kind, entries in made.items():
        named = [entry["name"] for entry in entries if isinstance(entry, dict) and "name" in entry]
        assert len(set(named)) == len(named), kind
        assert all(name.startswith("trading dev") for name in named)


@pytest.mark.parametrize("member", sorted(REFERENCES))
def test_a_name_that_no_object_has_is_reported_with_those_that_there_are(member):
    data = copy.deepcopy(object_files())
    entries = [one for kind in data.values() for one in (kind if isinstance(kind, list) else [kind])]
    entry = next(
        one for one in [*entries, *(node for each in data["workflows"] for node in each["nodes"])] if member in one
    )
    entry[member] = ["Nobody"] if isinstance(entry[member], list) else "Nobody"
    with pytest.raises(ValueError, match=f"{member} is 'Nobody'; allowed: "):
        controller_objects(data, "trading", "dev", TWO)


def test_a_link_to_no_node_is_reported():
    data = copy.deepcopy(object_files())
    data["workflows"][0]["nodes"][0]["success_nodes"] = ["nowhere"]
    with pytest.raises(ValueError, match="success_nodes of readiness is nowhere; allowed: readiness, approval"):
        controller_objects(data, "trading", "dev", TWO)


@pytest.mark.parametrize(
    ("links", "sentence"),
    [
        (
            {"verify": {"success_nodes": ["status"], "failure_nodes": ["status"]}},
            "verify is linked to status more than once; allowed: one link between two nodes",
        ),
        (
            {"status": {"always_nodes": ["verify"]}},
            "approval, failover, readiness, status, verify lead into a circle; allowed: links that end",
        ),
        ({"status": {"always_nodes": ["status"]}}, "status, verify lead into a circle"),
    ],
)
def test_links_that_awx_refuses_are_refused_before_anything_is_created(links, sentence):
    data = copy.deepcopy(object_files())
    for node in data["workflows"][0]["nodes"]:
        node |= links.get(node["identifier"], {})
    with pytest.raises(ValueError, match=sentence):
        controller_objects(data, "trading", "dev", TWO)


def as_listed(workflow, number=1):
    """The nodes of a workflow, as the API lists them."""
    ids = {node["identifier"]: number * 100 + place for place, node in enumerate(workflow["nodes"])}
    return [
        {
            "id": ids[node["identifier"]],
            "identifier": node["identifier"],
            "summary_fields": {"workflow_job_template": {"name": workflow["name"]}},
            **{link: [ids[name] for name in node.get(link, ())] for link in LINKS},
        }
        for node in workflow["nodes"]
    ]


def test_links_that_a_controller_has_are_left_alone(made):
    nodes = [node for number, workflow in enumerate(made["workflows"], 1) for node in as_listed(workflow, number)]
    assert controller_links(made["workflows"], nodes) == {"unknown_nodes": [], "kept": [], "missing": []}


@given(data=st.data())
def test_whatever_links_a_controller_has_it_ends_with_ours_and_is_asked_for_none_that_it_refuses(data):
    workflow = objects(*TWO)["workflows"][0]
    wanted = as_listed(workflow)
    ids = [node["id"] for node in wanted]
    nodes = copy.deepcopy(wanted)
    for place, node in enumerate(nodes):
        for child in ids[place + 1 :]:
            kinds = data.draw(st.sampled_from([(), *((link,) for link in LINKS)]))
            for link in LINKS:
                node[link] = [one for one in node[link] if one != child] + [child] * (link in kinds)
    found = controller_links([workflow], nodes)
    names = {node["id"]: node["identifier"] for node in wanted}
    state = {node["identifier"]: {link: {names[one] for one in node[link]} for link in LINKS} for node in nodes}
    for entry in [*found["kept"], *found["missing"]]:
        has = state[entry["identifier"]]
        # As awx.awx.workflow_job_template_node: a kind of link after the other, first what goes and then what comes.
        for link in ("always_nodes", "success_nodes", "failure_nodes"):
            has[link] &= set(entry[link])
            for new in set(entry[link]) - has[link]:
                assert not any(new in has[other] for other in LINKS if other != link), "Relationship not allowed."
                has[link].add(new)
    ours = {node["identifier"]: {link: set(node.get(link, ())) for link in LINKS} for node in workflow["nodes"]}
    assert state == ours


def test_nodes_that_do_not_exist_yet_are_no_target_of_a_link():
    workflow = objects(*TWO)["workflows"][0]
    nodes = [node for node in as_listed(workflow) if node["identifier"] != "stopped"]
    found = controller_links([workflow], nodes)
    assert found == {"unknown_nodes": [], "kept": [], "missing": []}


def test_a_node_that_the_workflow_should_not_have_is_removed():
    workflow = objects(*TWO)["workflows"][0]
    stray = {**as_listed(workflow)[0], "id": 999, "identifier": "old"}
    found = controller_links([workflow], [*as_listed(workflow), stray])
    assert found["unknown_nodes"] == [{"workflow": workflow["name"], "identifier": "old"}]
    assert found["kept"] == found["missing"] == []


def test_roles_that_somebody_added_are_listed_and_no_others(made):
    def role(name, kind, resource):
        return {"name": name, "summary_fields": {"resource_type": kind, "resource_name": resource}}

    workflow = "trading dev: Leave us-east-1"
    held = {
        "trading dev: Operators": [
            role("Execute", "job_template", "trading dev: Health check"),
            role("Execute", "job_template", "trading dev: Switchover"),
            role("Execute", "job_template", "somebody else's"),
            role("Use", "inventory", "trading dev: Regions"),
            role("Member", "team", "trading dev: Operators"),
        ],
        "trading dev: Approvers": [
            role("Approve", "workflow_job_template", workflow),
            role("Admin", "workflow_job_template", workflow),
        ],
    }
    assert controller_extra_roles(made, held) == [
        {
            "team": "trading dev: Operators",
            "role": "execute",
            "job_template": "trading dev: Switchover",
            "workflow": "",
        },
        {"team": "trading dev: Approvers", "role": "admin", "job_template": "", "workflow": workflow},
    ]


def test_the_region_in_trouble_comes_last_and_no_other_is_left_out():
    assert groups_in_order(THREE, "us-east-2") == ["us-east-1", "eu-west-1", "us-east-2"]


HOST, TOKEN = {"CONTROLLER_HOST": "https://awx.example.com"}, {"CONTROLLER_OAUTH_TOKEN": "t"}
LOGIN = {"CONTROLLER_USERNAME": "ann", "CONTROLLER_PASSWORD": "hers"}
VARIABLES = dict.fromkeys(REQUIRED, "x")


@pytest.mark.parametrize(
    "environ", [{**HOST, **TOKEN}, {**HOST, **LOGIN}, {**HOST, **TOKEN, "CONTROLLER_VERIFY_SSL": "False"}]
)
def test_an_address_and_a_token_or_a_login_are_enough(environ):
    assert requirement_problems(environ, VARIABLES, has_collection=True) == []


@pytest.mark.parametrize(
    ("environ", "sentences"),
    [
        (TOKEN, "CONTROLLER_HOST is not set; allowed: "),
        ({**TOKEN, "CONTROLLER_HOST": "awx"}, "CONTROLLER_HOST is 'awx'; allowed: "),
        (HOST, "CONTROLLER_OAUTH_TOKEN is not set; allowed: a token, or CONTROLLER_USERNAME and CONTROLLER_PASSWORD."),
        ({**HOST, "CONTROLLER_USERNAME": "ann"}, "CONTROLLER_OAUTH_TOKEN is not set; allowed: "),
        ({**HOST, **TOKEN, "CONTROLLER_VERIFY_SSL": "perhaps"}, "CONTROLLER_VERIFY_SSL is 'perhaps'; allowed: "),
    ],
)
def test_names_what_the_environment_lacks(environ, sentences):
    (sentence,) = requirement_problems(environ, VARIABLES, has_collection=True)
    assert sentence.startswith(sentences)


def test_a_collection_and_variables_that_are_missing_are_reported_together_and_no_password_is():
    sentences = requirement_problems(LOGIN, {"controller_project_url": ""}, has_collection=False)
    assert [sentence.partition(";")[0] for sentence in sentences] == [
        "The collection awx.awx is not installed",
        "CONTROLLER_HOST is not set",
        *(f"{name} is not given" for name in sorted(REQUIRED)),
    ]
    assert not any("hers" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    "given",
    [
        *("text", ["x"], {"FAILOVER": "hers"}),
        *(
            {"FAILOVER": keys}
            for keys in ({}, {"access_key": 5}, {"secret_key": "hers"}, {"access_key": "", "x": "hers"})
        ),
    ],
)
def test_credentials_of_another_form_are_refused_and_not_shown(given):
    (sentences,) = requirement_problems({**HOST, **TOKEN}, {**VARIABLES, "controller_credentials": given}, True)
    assert sentences.startswith(
        "controller_credentials is invalid, and its value is not shown; allowed: a dictionary by"
    )
    assert "hers" not in sentences


def test_credentials_without_a_session_token_are_enough():
    keys = {"FAILOVER": {"access_key": "a", "secret_key": "s"}}
    assert requirement_problems({**HOST, **TOKEN}, {**VARIABLES, "controller_credentials": keys}, True) == []


def test_nodes_of_a_region_that_the_platform_has_not_are_reported():
    given = {**VARIABLES, "platform_regions": list(TWO), "controller_instances": {"eu-west-1": ["a"], TWO[0]: ["b"]}}
    sentences = requirement_problems({**HOST, **TOKEN}, given, True)
    assert sentences == ["controller_instances has eu-west-1; allowed: us-east-1, us-east-2."]


@given(st.sampled_from(sorted(EXISTING)), st.text(min_size=1))
def test_an_object_that_exists_is_referred_to_by_its_name_and_not_made(kind, name):
    made = controller_objects(object_files(), "trading", "dev", TWO, existing={kind: name})
    assert made[kind] == []
    if kind == "projects":
        assert {one["project"] for one in made["job_templates"]} == {name}
        assert {one["source_project"] for one in made["inventory_sources"]} == {name}
        assert name not in {one["unified_job_template"] for one in made["schedules"]}
    if kind == "execution_environments":
        assert {one["execution_environment"] for one in made["job_templates"]} == {name}


def test_credentials_that_assume_a_role_have_the_type_that_passes_it_on():
    made = controller_objects(object_files(), "trading", "dev", TWO, with_role=["FAILOVER"])
    types = {one["environment"]: one["credential_type"] for one in made["credentials"]}
    assert types.pop("FAILOVER") == "trading dev: AWS runner with role"
    assert set(types.values()) == {"trading dev: AWS runner"}
    fields = {one["name"]: one["inputs"]["fields"] for one in made["credential_types"]}
    assert {field["id"] for field in fields["trading dev: AWS runner with role"]} == KEYS


def test_playbooks_of_a_project_that_imports_the_collections_are_in_its_own_folder():
    made = controller_objects(object_files(), "trading", "dev", TWO, playbook_folder="operations")
    assert {one["playbook"].partition("/")[0] for one in made["job_templates"]} == {"operations"}


def test_platforms_that_share_a_controller_and_an_organization_share_no_other_object():
    one, other = (
        controller_objects(object_files(), "trading", suffix, TWO, existing={"organizations": "Trading"})
        for suffix in ("dev", "prod")
    )
    for kind in one.keys() - {"roles"}:
        assert not {entry["name"] for entry in one[kind]} & {entry["name"] for entry in other[kind]}, kind


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"question": 5}, "the survey's reason has question 5; allowed: question, a text that is not empty;"),
        ({"question": ""}, "has question ''; allowed: "),
        ({}, "has question None; allowed: "),
        (5, "has question 5; allowed: "),
        ({"question": "Why?", "help": ["x"]}, r"has help \['x'\]; allowed: "),
        ({"question": "Why?", "required": "yes"}, "has required 'yes'; allowed: "),
        ({"question": "Why?", "choices": ["x"]}, r"has choices \['x'\]; allowed: "),
    ],
)
def test_a_question_that_awx_refuses_is_refused_by_its_template_before_anything_is_created(asked, sentence):
    data = copy.deepcopy(object_files())
    template = next(one for one in data["job_templates"] if one["name"] == "Stopped")
    template["survey"]["reason"] = asked
    with pytest.raises(ValueError, match=f"job_templates: Stopped: .*{sentence}"):
        controller_objects(data, "trading", "dev", TWO)


def test_the_pages_table_names_the_credential_of_each_template(made):
    """docs/controller.md: the policies of each job template's credential."""
    policies = {
        "Failover runner": "failover",
        "Read-only runner": "read-only",
        "Looking and moving runner": "read-only and failover",
        "Provisioning runner": "provisioning",
    }
    rows = re.findall(r"^\| (.+?) \|.*?\| ([a-z-]+(?: and [a-z-]+)?) \|.*\|$", PAGE.read_text(), re.MULTILINE)
    said = {name: policy for names, policy in rows for name in names.split(", ")}
    for name, template in by_name(made["job_templates"]).items():
        (credential,) = by_name([{"name": one} for one in template["credentials"]])
        shown = re.sub(r" out of \S+$", " out of *region*", name)
        assert said.get(shown) == policies[credential], name


def test_the_pages_command_writes_a_playbook_for_every_template(tmp_path):
    """docs/controller.md: one line each, for a project that has the collection from an automation hub."""
    (block,) = (one for one in BLOCK.findall(PAGE.read_text()) if "import_playbook" in one)
    subprocess.run(["bash", "-euc", block], cwd=tmp_path, check=True)
    made = controller_objects(object_files(), "trading", "dev", TWO, playbook_folder="operations")
    assert {one["playbook"] for one in made["job_templates"]} == {
        str(path.relative_to(tmp_path)) for path in (tmp_path / "operations").iterdir()
    }
    line = (tmp_path / "operations" / "failover.yml").read_text()
    assert line == "- import_playbook: trading.multi_region.failover\n"
