# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: good input passes, bad input is named with its value and what is allowed."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.plugin_utils.inputs import (
    ARTIFACTS,
    INPUTS,
    NAME_LIMITS,
    PER_REGION,
    name_problems,
    platform_problems,
    unknown_problems,
)

GOOD = {
    "environment_suffix": "dev",
    "regions": ["us-east-1", "us-east-2"],
    "vpc_cidrs": {"us-east-1": "10.0.0.0/16", "us-east-2": "10.1.0.0/16"},
    "global_database_engine_version": "8.0.mysql_aurora.3.10.5",
    "names": {"application_load_balancer_name": "trading-alb-dev"},
}


def problems(**changed) -> list[str]:
    return platform_problems({**GOOD, **changed})


def test_good_input_has_no_problem():
    assert problems() == []


GATEWAY = {"name": "gateway", "compute": "ecs", "ecs_service": "trading/gateway"}


def of_groups(east, west=None):
    """The groups of two regions, whose own ones are called so."""
    groups = {"us-east-1": east, "us-east-2": east if west is None else west}
    return {"compute_groups": groups, "own_groups": dict.fromkeys(groups, "own")}


def test_groups_may_be_placed_and_have_other_names_in_another_region():
    east = [GATEWAY, {"name": "application", "start_next": "at_once"}, {"name": "web", "autoscaling_group_name": "web"}]
    west = [*east[:2], {**east[2], "autoscaling_group_name": "web-west"}]
    assert problems(**of_groups(east, west)) == []
    stopped = {"application_compute": "none", "failover_fencing": "application_capacity"}
    assert problems(**of_groups(east, west), **stopped) == []


@pytest.mark.parametrize("suffix", [None, "", "A", "dev_1", "-dev", "dev-", "a" * 13, 7, ["dev"]])
def test_a_malformed_suffix_is_named(suffix):
    (sentence_found,) = problems(environment_suffix=suffix)
    assert sentence_found.startswith("environment_suffix is ") and "allowed: 1 to 12 lower-case" in sentence_found


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([], "at least two"),
        (["us-east-1"], "at least two"),
        (["us-east-1", "us-east-1"], "each region once"),
        (["us-east-1", "moon"], "code of an AWS region"),
        (["us-east-1", None], "code of an AWS region"),
    ],
)
def test_regions_are_two_or_more_and_different(regions, words):
    assert words in " ".join(problems(regions=regions))


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"profile": "a\nb"}, "aws_profile of us-east-2 is"),
        ({"role_arn": "runner"}, "aws_role_arn of us-east-2 is 'runner'; allowed: the ARN of a role"),
        ({"role_arn": "arn:aws-us-gov:iam::123456789012:role/runner"}, "a role of the partition aws"),
        ({"role_arn": "arn:aws:iam::123456789012:role/r", "external_id": "a b"}, "aws_external_id of us-east-2 is"),
        ({"external_id": "desk"}, "none without aws_role_arn"),
        ({"account_id": "1234"}, "expected_account_id of us-east-2 is '1234'; allowed: the twelve digits"),
    ],
)
def test_what_credentials_of_a_region_cannot_be_is_named(own, words):
    (told,) = problems(credentials={"us-east-2": own})
    assert words in told


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"role_arn": "zone"}, "traffic_zone_role_arn is 'zone'; allowed: the ARN of a role"),
        ({"role_arn": "arn:aws-us-gov:iam::210987654321:role/zone"}, "allowed: a role of the partition aws"),
        ({"external_id": "desk"}, "traffic_zone_external_id is 'desk'; allowed: none without traffic_zone_role_arn"),
    ],
)
def test_what_a_role_of_the_hosted_zone_cannot_be_is_named(own, words):
    (found,) = problems(credentials={"hosted_zones": own})
    assert words in found


def test_credentials_of_regions_that_can_be_pass():
    role = {"role_arn": "arn:aws:iam::123456789012:role/ops/runner", "external_id": "desk:7", "profile": "base"}
    assert problems(credentials={"us-east-1": {"account_id": "123456789012"}, "us-east-2": role}) == []


THEIRS = {
    **dict.fromkeys(("network", "global_database", "application"), "existing"),
    **dict.fromkeys(("encryption", "audit", "session_table", "object_storage"), "absent"),
}


def existing(group="sg-0123456789abcdef0", acl="", subnets=(), tags=None, **given):
    """The problems of an inventory whose network others have made; what it names of it in us-east-2.

    tags: those of each part, by the end of its variable.
    """
    own = {
        **{f"network_{part}_tags": one for part, one in (tags or {}).items()},
        "network_database_security_group_id": group,
        "network_database_network_acl_id": acl,
        "network_database_subnet_ids": list(subnets),
    }
    given = {"failover_fencing": "database_ingress", "vpc_cidrs": {"us-east-2": None}, **given}
    return problems(platform_layers=THEIRS, existing_networks={"us-east-2": own}, **given)


def test_a_network_that_others_have_made_needs_no_cidr_and_what_a_fence_closes():
    assert existing() == []
    assert existing(group="", failover_fencing="none") == []
    assert existing(acl="acl-0123456789abcdef0", subnets=["subnet-0123456789abcdef0"]) == []
    assert existing(group="", tags={"database_security_group": {"Tier": "data"}}) == []
    assert existing(tags={"database_network_acl": {"Tier": "data"}, "database_subnet": {"Tier": "data"}}) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"group": ""}, "network_database_security_group_id of us-east-2 is ''; allowed: the id of the cluster's"),
        ({"group": "open"}, "network_database_security_group_id of us-east-2 is 'open'; allowed: an id such as sg-"),
        ({"acl": "acl-0123456789abcdef0"}, "network_database_subnet_ids of us-east-2 is []; allowed: the database's"),
        (
            {"tags": {"database_security_group": {"Tier": "data"}}},
            "network_database_security_group_tags of us-east-2 is {'Tier': 'data'}; allowed: none with",
        ),
        (
            {"tags": {"database_network_acl": {"Tier": "data"}}},
            "network_database_subnet_ids of us-east-2 is []; allowed: the database's subnets, or",
        ),
        ({"tags": {"vpc": "orders"}}, "network_vpc_tags of us-east-2 is 'orders'; allowed: a dictionary"),
        ({"rebuild": "true"}, "rebuild is True; allowed: false with platform_layers.global_database existing"),
        (
            {"cloud_trigger_enabled": True},
            "cloud_trigger_enabled is True; allowed: false with platform_layers.encryption",
        ),
    ],
)
def test_what_needs_more_of_a_layer_that_others_have_made_is_refused(given, words):
    (found,) = existing(**given)
    assert found.startswith(words)


def keyed(state, key):
    layers = {**THEIRS, "encryption": state}
    return problems(platform_layers=layers, existing_keys={"us-east-2": key}, existing_networks={}, vpc_cidrs={})


KEY_ARN = "arn:aws:kms:{}:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("key", ["alias/orders", KEY_ARN.format("us-east-2")])
def test_a_key_that_others_have_made_is_named_by_its_alias_or_its_arn(key):
    assert keyed("existing", key) == []


@pytest.mark.parametrize(
    ("state", "key", "words"),
    [
        ("existing", "", "encryption_key_id of us-east-2 is ''; allowed: the ARN"),
        ("existing", "orders", "encryption_key_id of us-east-2 is 'orders'; allowed: the ARN"),
        ("existing", KEY_ARN.format("us-east-1"), f"is '{KEY_ARN.format('us-east-1')}'; allowed: a key of us-east-2."),
        ("absent", "alias/orders", "is 'alias/orders'; allowed: none with platform_layers.encryption absent."),
    ],
)
def test_a_key_that_could_not_be_used_is_refused(state, key, words):
    (found,) = keyed(state, key)
    assert words in found


def test_records_of_others_are_repointed_only_beside_an_application_of_others():
    assert problems(traffic_repoint_records=False) == []
    assert existing(traffic_repoint_records=True) == []
    (found,) = problems(traffic_repoint_records=True)
    assert found.startswith("traffic_repoint_records is True; allowed: false unless platform_layers.application is")


def test_a_check_inside_aws_needs_a_key_that_lets_its_logs_in():
    layers = {**THEIRS, "encryption": "existing"}
    (found,) = problems(platform_layers=layers, cloud_trigger_enabled=True)
    assert found == "cloud_trigger_enabled is True; allowed: false with platform_layers.encryption existing."


def test_a_check_inside_aws_needs_topics():
    layers = {"monitoring": "absent"}
    (found,) = problems(platform_layers=layers, cloud_trigger_enabled=True)
    assert found == "cloud_trigger_enabled is True; allowed: false with platform_layers.monitoring absent."


QUEUE = "arn:aws:sqs:us-west-2:123456789012:failover"
BUS = "arn:aws:events:us-west-2:123456789012:event-bus/failover"


def network(subnets, groups):
    return {"us-east-2": {"cloud_trigger_subnet_ids": subnets, "cloud_trigger_security_group_ids": groups}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"cloud_trigger_queue_arn": "failover"},
            "cloud_trigger_queue_arn is 'failover'; allowed: the ARN of a standard",
        ),
        ({"cloud_trigger_queue_arn": f"{QUEUE}.fifo"}, "allowed: the ARN of a standard queue of Amazon SQS"),
        ({"cloud_trigger_event_bus_arn": QUEUE}, "allowed: the ARN of an event bus"),
        (
            {"cloud_trigger_queue_arn": QUEUE, "cloud_trigger_webhook_secret": "controller"},
            "cloud_trigger_event_bus_arn; cloud_trigger_webhook_secret is given too",
        ),
        (
            {"trigger_networks": network(["private-1"], ["sg-0123456789abcdef0"])},
            "subnet_ids of us-east-2[0] is 'private",
        ),
        (
            {"trigger_networks": network(["subnet-0123456789abcdef0"], [])},
            "cloud_trigger_security_group_ids of us-east-2",
        ),
        ({"trigger_networks": network([], ["sg-0123456789abcdef0"])}, "at least one, because cloud_trigger_security"),
        ({"trigger_networks": network("subnet-0123456789abcdef0", None)}, "allowed: a list"),
    ],
)
def test_what_the_trigger_inside_aws_cannot_be_given_is_named(given, words):
    (told,) = problems(**given)
    assert words in told


@pytest.mark.parametrize(
    "given",
    [
        {"cloud_trigger_queue_arn": QUEUE},
        {"cloud_trigger_event_bus_arn": BUS, "cloud_trigger_webhook_secret": ""},
        {"trigger_networks": network([], [])},
        {"trigger_networks": network(["subnet-0123456789abcdef0"], ["sg-0123456789abcdef0"])},
        {"trigger_networks": network(None, ["sg-0123456789abcdef0"])},
    ],
)
def test_what_the_trigger_inside_aws_can_be_given_passes(given):
    assert problems(**given) == []


@pytest.mark.parametrize(
    "regions", [["cn-north-1", "cn-northwest-1"], ["us-east-1", "us-gov-west-1"], ["us-iso-east-1", "us-iso-west-1"]]
)
def test_regions_of_partitions_that_are_not_supported_are_refused_with_one_sentence(regions):
    (told,) = problems(regions=regions)
    assert told.startswith("platform_regions is ") and "one partition, aws or aws-us-gov" in told


def test_regions_of_govcloud_are_regions_like_others():
    assert problems(regions=["us-gov-west-1", "us-gov-east-1"]) == []


@pytest.mark.parametrize("cidr", [None, "", "ten", "10.0.0.1/16", "10.0.0.0/20", "10.0.0.0/8", "8.8.0.0/16", 10, True])
def test_a_network_that_cannot_hold_the_subnets_is_named(cidr):
    (sentence_found,) = problems(vpc_cidrs={"us-east-1": cidr, "us-east-2": "10.1.0.0/16"})
    assert sentence_found.startswith("vpc_cidr of us-east-1 is ") and "/16 to /19" in sentence_found


@given(st.integers(0, 255), st.integers(0, 255), st.integers(16, 19), st.integers(16, 19))
def test_networks_are_refused_exactly_when_they_overlap(one, other, one_prefix, other_prefix):
    a = ipaddress.ip_network(f"10.{one}.0.0/{one_prefix}")
    b = ipaddress.ip_network(f"10.{other}.0.0/{other_prefix}")
    sentence_found = problems(vpc_cidrs={"us-east-1": str(a), "us-east-2": str(b)})
    assert bool(sentence_found) == (a[0] <= b[-1] and b[0] <= a[-1])
    assert all("overlap" in sentence for sentence in sentence_found)


@pytest.mark.parametrize("version", ["8.0.35", "8.0", "mysql_aurora.3.10.5", "8.0.mysql_aurora.3.10.5 ", 8.0, ["17.7"]])
def test_what_is_no_engine_version_is_refused_with_the_form_of_one(version):
    (told,) = problems(global_database_engine_version=version)
    assert told.startswith("global_database_engine_version is ") and "8.0.mysql_aurora.3.10.5" in told


@pytest.mark.parametrize(
    ("engine", "version"),
    [
        ("aurora-mysql", "8.0.mysql_aurora.3.10.5"),
        ("aurora-mysql", "8.0.mysql_aurora.3.05.0.1"),
        ("aurora-mysql", "8.4.mysql_aurora.8.4.7"),
        ("aurora-postgresql", "17.7"),
        ("aurora-mysql", None),
        ("aurora-postgresql", ""),
    ],
)
def test_versions_of_both_engines_and_of_every_major_version_pass(engine, version):
    assert problems(global_database_engine=engine, global_database_engine_version=version) == []


@pytest.mark.parametrize(
    ("engine", "version"), [("aurora-mysql", "17.7"), ("aurora-postgresql", "8.4.mysql_aurora.8.4.7")]
)
def test_a_version_of_the_other_engine_is_refused(engine, version):
    (told,) = problems(global_database_engine=engine, global_database_engine_version=version)
    assert told.startswith(f"global_database_engine_version is {version!r}; allowed: a version of Aurora")


def test_an_engine_that_has_no_global_databases_is_refused():
    (told,) = problems(global_database_engine="mysql")
    assert told == "global_database_engine is 'mysql'; allowed: one of aurora-mysql, aurora-postgresql."


@pytest.mark.parametrize("variable", sorted(NAME_LIMITS))
def test_names_are_held_to_the_limit_and_not_below_it(variable):
    limit, _what = NAME_LIMITS[variable]
    assert problems(names={variable: "n" * limit}) == []
    long = "n" * (limit + 1)
    (sentence_found,) = problems(names={variable: ["short", long] if variable in PER_REGION else long})
    assert sentence_found.startswith(f"{variable} is ") and f"at most {limit} characters" in sentence_found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_region": "eu-west-1"}, "one of the platform's regions: us-east-1, us-east-2"),
        ({"expected_active_region": "eu-west-1"}, "one of the platform's regions"),
        ({"target_region": "us-east-1", "expected_active_region": "us-east-1"}, "other than expected_active_region"),
        ({"max_replication_lag_ms": -1}, "max_replication_lag_ms is -1"),
        ({"max_replication_lag_ms": "5s"}, "without a unit"),
        ({"max_replication_lag_ms": float("nan")}, "max_replication_lag_ms is nan"),
        ({"wait_timeout": 0}, "wait_timeout is 0"),
        ({"application_instance_types": ["t3.medium", "t3.medium"]}, "a list of up to 40 different instance types"),
        ({"application_instance_types": "t3.medium"}, "application_instance_types is 't3.medium'"),
        ({"application_instance_types": ["large", 3]}, "application_instance_types is ['large', 3]"),
        (
            {"application_capacity_reservation_preference": "first"},
            "application_capacity_reservation_preference is 'first'",
        ),
        (
            {"application_capacity_reservation_ids": ["cr-0123456789abcdef0"]},
            "application_capacity_reservation_ids is [",
        ),
        (
            {
                "application_capacity_reservation_ids": {"us-east-2": ["cr-1"]},
                "application_capacity_reservation_preference": "capacity-reservations-only",
            },
            "application_capacity_reservation_ids.us-east-2[0] is 'cr-1'; allowed: an id such as cr-0123456789abcdef0",
        ),
        (
            {"application_capacity_reservation_ids": {"us-east-2": ["cr-0123456789abcdef0"]}},
            "application_capacity_reservation_preference is not given; allowed: capacity-reservations-first or",
        ),
        (
            {
                "application_capacity_reservation_ids": {"us-east-2": ["cr-0123456789abcdef0"]},
                "application_capacity_reservation_preference": "none",
            },
            "application_capacity_reservation_preference is 'none'; allowed: capacity-reservations-first or",
        ),
        ({"application_compute": "eks"}, "application_compute is 'eks'; allowed: one of autoscaling, ecs, none"),
        ({"application_compute": "ecs"}, "application_ecs_service is not given; allowed: cluster/service"),
        (
            {"application_compute": "ecs", "application_ecs_service": "orders"},
            "application_ecs_service is 'orders'; allowed: cluster/service",
        ),
        (
            {"application_ecs_service": "trading/orders"},
            "application_ecs_service is 'trading/orders'; allowed: none with application_compute autoscaling",
        ),
        (
            {"application_compute": "none", "failover_fencing": "application_capacity"},
            "failover_fencing is 'application_capacity'; allowed: one of network_acl, database_ingress, none with",
        ),
        (of_groups([{**GATEWAY, "ecs_service": "gateway"}]), "[0].ecs_service is 'gateway'; allowed: cluster/service"),
        (of_groups([{"name": "gateway", "compute": "ecs"}]), "[0].ecs_service is not given; allowed: a name, with"),
        (of_groups([{**GATEWAY, "compute": "eks"}]), "[0].compute is 'eks'; allowed: one of autoscaling, ecs"),
        (of_groups([{**GATEWAY, "autoscaling_group_name": "g"}]), "_name is 'g'; allowed: none with compute ecs"),
        (
            of_groups([{**GATEWAY, "order": 1}]),
            "[0] has the key 'order'; allowed: name, compute, autoscaling_group_name",
        ),
        (of_groups([{**GATEWAY, "name": "Gateway"}]), "[0].name is 'Gateway'; allowed: 1 to 40 lower-case letters"),
        (of_groups([{"ecs_service": "trading/gateway"}]), "[0].name is not given; allowed: 1 to 40 lower-case letters"),
        (of_groups([{**GATEWAY, "start_next": "soon"}]), "start_next is 'soon'; allowed: one of when_healthy, at_once"),
        (
            of_groups([GATEWAY, {**GATEWAY, "ecs_service": "trading/two"}]),
            "is 'gateway for more than one group'; allowed: each once",
        ),
        (of_groups([GATEWAY, {**GATEWAY, "name": "two"}]), "is 'trading/gateway for more than one group'"),
        (of_groups([{"name": "application", "compute": "ecs"}]), "allowed: name, start_next for application"),
        (
            of_groups([{"name": "web", "autoscaling_group_name": "own"}]),
            "the platform's own group by the name application",
        ),
        (
            of_groups([GATEWAY], []),
            "of us-east-2 is 'none'; allowed: the groups of us-east-1, in the same order: gateway (ecs)",
        ),
        (of_groups("gateway"), "application_compute_groups is 'gateway'; allowed: a list of groups"),
        ({"capacity_timeout": 0}, "capacity_timeout is 0"),
        ({"min_capacity_percent": 0}, "min_capacity_percent is 0; allowed: a whole number of percent from 1 to 100"),
        ({"min_capacity_percent": "101"}, "min_capacity_percent is '101'; allowed: a whole number of percent"),
        ({"min_capacity_percent": "50%"}, "without a unit"),
        ({"min_capacity_percent": 33.3}, "min_capacity_percent is 33.3"),
        ({"failover_min_size_hold": -1}, "failover_min_size_hold is -1; allowed: a whole number of seconds from 0"),
        ({"health_min_healthy_ratio": 1.5}, "a ratio from 0 to 1"),
        ({"force": "perhaps"}, "force is 'perhaps'"),
        ({"method": "teleport"}, "method is 'teleport'; allowed: one of failover, switchover, detach, auto"),
        ({"method": "detach", "move_method": "switchover"}, "method is 'detach'; allowed: switchover with this"),
        ({"method": "switchover", "accept_data_loss": "true"}, "accept_data_loss is 'true'; allowed: false with"),
        ({"move_method": "switchover", "accept_data_loss": True}, "accept_data_loss is True; allowed: false with"),
        ({"method": "detach"}, "accept_data_loss is not given; allowed: true with method detach"),
        ({"rebuild": "maybe"}, "rebuild is 'maybe'; allowed: true or false"),
        ({"failover_lease_seconds": 5}, "failover_lease_seconds is 5; allowed: a whole number of seconds from 10"),
        ({"failover_cool_down": "1h"}, "failover_cool_down is '1h'; allowed: a number of seconds from 0"),
        ({"failover_fencing": "bullets"}, "one of network_acl, database_ingress, application_capacity, none"),
        ({"limit": "us-east-1"}, "--limit is 'us-east-1'"),
    ],
)
def test_a_bad_option_is_reported_by_name_and_value(options, words):
    (sentence_found,) = problems(**options)
    assert words in sentence_found


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=4,
)
JUDGED = st.sampled_from([*INPUTS, "regions", "vpc_cidrs", "limit"])
NAMED = st.dictionaries(st.sampled_from(sorted(NAME_LIMITS)), ANYTHING, max_size=3)


@settings(max_examples=2000)
@given(st.dictionaries(JUDGED, ANYTHING, max_size=4), NAMED)
def test_whatever_is_given_the_answer_is_sentences(inputs, names):
    for sentence_found in (platform_problems({**GOOD, **inputs}), name_problems(names)):
        assert all(sentence.endswith(".") and "allowed: " in sentence for sentence in sentence_found)


@settings(max_examples=500)
@given(st.lists(st.text(max_size=30), max_size=4))
def test_whatever_the_command_line_names_only_slips_are_reported(names):
    assert all("did you mean " in sentence for sentence in unknown_problems(names, ["home_region"]))


def test_a_name_that_is_reported_does_not_bring_its_value_along():
    (sentence_found,) = unknown_problems({"databse_password": "hush-hush"}, ["database_password"])
    assert "did you mean database_password?" in sentence_found and "hush-hush" not in sentence_found


@pytest.mark.parametrize("name", [*INPUTS, "vpc_cidr", "ansible_become", "awx_job_id", "my_ticket", "owner_of_ticket"])
def test_names_that_mean_something_and_names_of_other_people_pass(name):
    assert unknown_problems([name], ["home_region"]) == []


def tasks_of(entries):
    """Return the tasks of plays, or of a file of tasks, with those in their blocks."""
    for entry in entries or []:
        yield entry
        for part in ("tasks", "block", "rescue", "always"):
            yield from tasks_of(entry.get(part))


def test_what_a_job_hands_on_is_no_slip_in_the_next_node_of_a_workflow():
    playbooks = Path(__file__).resolve().parents[4].joinpath("playbooks")
    stats = [
        task["ansible.builtin.set_stats"]["data"]
        for path in [*playbooks.glob("*.yml"), *playbooks.joinpath("tasks").rglob("*.yml")]
        for task in tasks_of(yaml.safe_load(path.read_text()))
        if "ansible.builtin.set_stats" in task
    ]
    handed_on = {name for data in stats for name in data}
    assert {"rto_seconds", "readiness"} <= handed_on and handed_on <= {*ARTIFACTS}
    assert unknown_problems(ARTIFACTS, ()) == []
