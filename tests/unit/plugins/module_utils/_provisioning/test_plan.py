# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What site.yml refuses before its first change, what it plans, and that it takes nothing unknown for an absence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._provisioning.plan import (
    FACTS,
    Seen,
    Wanted,
    judge,
)

EAST, WEST, EUROPE = "us-east-1", "us-east-2", "eu-west-1"
BASE = ("manifest", "network", "secret", "database")
CIDRS = {EAST: "10.0.0.0/16", WEST: "10.1.0.0/16", EUROPE: "10.2.0.0/16"}
RUNS = "8.0.mysql_aurora.3.10.0"


def arn(region, suffix="AbCdEf"):
    return f"arn:aws:secretsmanager:{region}:123456789012:secret:s-{suffix}"


def secret(region, primary=EAST, suffix="AbCdEf", is_deleted=False):
    """A secret of a family; only its primary lists replicas."""
    replicas = {one: {"status": "InSync", "message": ""} for one in (WEST,)} if region == primary == EAST else {}
    return {
        "arn": arn(region, suffix),
        "primary_region": primary,
        "is_deleted": is_deleted,
        "replicas": replicas,
    }


def database(writer=EAST, regions=(EAST, WEST), version=RUNS):
    return {"engine_version": version, "members": [{"region": one, "is_writer": one == writer} for one in regions]}


def manifest(*regions, preference=None):
    document = {"version": 1, "regions": [{"region": one} for one in regions]}
    return {"document": {**document, **({"preference": preference} if preference else {})}, "written_at": "then"}


def vpc(cidr, number=1):
    return {"vpc_id": f"vpc-{number}", "cidr": cidr, "cidrs": [cidr]}


def standing(*inventory, **changes):
    """A platform in us-east-1 and us-east-2, and an inventory. changes: {region: {fact: value or Observation}}."""
    facts = {}
    for region in inventory or (EAST, WEST):
        is_there = region in (EAST, WEST)
        values = {
            "manifest": manifest(EAST, WEST) if is_there else None,
            "network": [vpc(CIDRS[region])] if is_there else [],
            "secret": secret(region) if is_there else None,
            "database": database() if is_there else None,
            **changes.get(region.replace("-", "_"), {}),
        }
        facts[region] = Facts(
            region, {name: one if isinstance(one, Observation) else Observation(one) for name, one in values.items()}
        )
    regions = tuple(inventory or (EAST, WEST))
    wanted = Wanted(regions, {one: CIDRS[one] for one in regions}, "trading-dev", "s", "trading-global-dev")
    return Seen(wanted, facts, manifest(EAST, WEST)["document"])


def codes(seen):
    return {(one["code"], one["region"]) for one in judge(seen)["blockers"]}


def actions(seen):
    return {(one["region"], one["part"]): one["action"] for one in judge(seen)["plan"]}


def test_a_platform_that_is_as_the_inventory_says_is_left_alone():
    judged = judge(standing())
    assert judged["blockers"] == []
    assert {one["action"] for one in judged["plan"]} == {"left_alone"}
    assert judged["active_region"] == EAST
    assert judged["reason"] == "Of 8 parts in 2 regions: 0 created, 0 changed, 8 left alone."


def test_on_an_empty_account_everything_is_created_and_the_preferred_region_gets_the_writer():
    nothing = {"manifest": None, "network": [], "secret": None, "database": None}
    seen = replace(standing(us_east_1=nothing, us_east_2=nothing), manifest=None)
    judged = judge(seen)
    assert judged["blockers"] == [] and set(actions(seen).values()) == {"created"}
    reasons = {(one["region"], one["part"]): one["reason"] for one in judged["plan"]}
    assert "gets the writer" in reasons[EAST, "database"] and "gets a secondary" in reasons[WEST, "database"]
    assert "a replica of the secret in us-east-1" in reasons[WEST, "secret"]


LAYERS = {
    "network": [],
    "encryption": [],
    "object_storage": ["encryption"],
    "application": ["network", "object_storage"],
    "traffic": ["application"],
    "cloud_trigger": [],
}


def with_parts(seen, **present):
    """The same, with two named parts, each in the regions that it is given for."""
    resources = {part: dict.fromkeys(seen.wanted.regions, f"my-{part}") for part in present}
    facts = {
        region: Facts(
            region,
            {name: one[name] for name in FACTS if one[name].known}
            | {part: Observation(region in where) for part, where in present.items()},
        )
        for region, one in seen.facts.items()
    }
    return replace(seen, wanted=replace(seen.wanted, resources=resources, layers=LAYERS), facts=facts)


def test_a_dry_run_evaluates_everything_that_is_there():
    judged = judge(with_parts(standing(), object_storage=(EAST, WEST), application=(EAST, WEST)))
    assert judged["awaited_layers"] == [] and len(judged["plan"]) == 12
    assert {one["action"] for one in judged["plan"]} == {"left_alone"}


def test_what_uses_a_part_that_is_not_there_waits_for_it_and_is_listed():
    judged = judge(with_parts(standing(), object_storage=(EAST,), application=(EAST, WEST)))
    assert judged["awaited_layers"] == ["object_storage", "application", "traffic"]
    rows = {(one["region"], one["layer"]): (one["action"], one["reason"]) for one in judged["plan"]}
    assert rows[WEST, "object_storage"] == ("created", "There is no my-object_storage.")
    assert rows[EAST, "object_storage"][0] == "changed" and f"for {WEST}" in rows[EAST, "object_storage"][1]
    assert rows[EAST, "traffic"] == ("changed", "It uses application, which a region does not have yet.")


def test_what_a_dry_run_cannot_compare_is_not_listed_as_left_alone():
    judged = judge(with_parts(standing(), object_storage=(EAST,), application=(EAST, WEST)))
    rows = {(one["region"], one["layer"]): (one["action"], one["reason"]) for one in judged["plan"]}
    words = "my-application exists. It uses object_storage, which a region does not have yet."
    assert rows[EAST, "application"] == rows[WEST, "application"] == ("changed", words)
    assert rows[WEST, "encryption"][0] == "left_alone", "it uses nothing that is absent"


def test_on_an_empty_account_every_layer_is_listed_as_created_in_every_region():
    nothing = {"manifest": None, "network": [], "secret": None, "database": None}
    empty = with_parts(standing(us_east_1=nothing, us_east_2=nothing), object_storage=(), application=())
    judged = judge(replace(empty, manifest=None))
    assert judged["awaited_layers"] == ["network", "encryption", "object_storage", "application", "traffic"]
    assert {(one["region"], one["layer"]) for one in judged["plan"] if one["action"] == "created"} == {
        (region, layer)
        for region in (EAST, WEST)
        for layer in (*judged["awaited_layers"], "global_database", "failover_control")
    }


def test_a_named_part_that_cannot_be_read_is_a_blocker():
    seen = with_parts(standing(), application=(EAST, WEST))
    facts = {**seen.facts, WEST: Facts(WEST, {})}
    assert ("region_unreadable", WEST) in codes(replace(seen, facts=facts))
    sentences = [one["reason"] for one in judge(replace(seen, facts=facts))["blockers"]]
    assert "Its Auto Scaling group could not be read in us-east-2: not read" in sentences


@pytest.mark.parametrize("inventory", [(EUROPE, EAST, WEST), (EAST, WEST, EUROPE)], ids=["first", "last"])
def test_a_region_is_added_at_any_place_and_the_primary_secret_stays(inventory):
    seen = standing(*inventory)
    assert codes(seen) == set()
    assert {part for (region, part), one in actions(seen).items() if region == EUROPE and one == "created"} == {*BASE}
    (row,) = [one for one in judge(seen)["plan"] if (one["region"], one["part"]) == (EUROPE, "secret")]
    assert "becomes a replica of the secret in us-east-1" in row["reason"]


def test_another_preference_changes_nothing_but_the_manifest():
    seen = standing(WEST, EAST)
    assert codes(seen) == set()
    assert {place for place, one in actions(seen).items() if one != "left_alone"} == {
        (EAST, "manifest"),
        (WEST, "manifest"),
    }


def test_the_active_region_cannot_be_left_out():
    (blocker,) = judge(standing(WEST, EUROPE))["blockers"]
    assert (blocker["code"], blocker["region"]) == ("active_region_left_out", EAST)
    assert "has the writer of trading-global-dev" in blocker["reason"] and "back" in blocker["remedy"]


def test_a_standby_cannot_be_left_out_even_if_the_manifest_is_lost():
    seen = standing(EAST, EUROPE)
    assert codes(seen) == {("standby_left_out", WEST)}
    assert codes(replace(seen, manifest=None)) == {("standby_left_out", WEST)}


def test_a_region_of_the_manifest_cannot_be_left_out_while_nobody_knows_the_writer():
    seen = standing(EAST, EUROPE, us_east_1={"database": None})
    assert codes(seen) == {("region_left_out", WEST)}


def test_the_network_of_a_vpc_cannot_be_changed():
    seen = standing(us_east_2={"network": [vpc("10.9.0.0/16")]})
    (blocker,) = judge(seen)["blockers"]
    assert blocker["code"] == "vpc_cidr_differs"
    assert blocker["reason"] == "vpc_cidr of us-east-2 is 10.1.0.0/16, but its VPC vpc-1 has 10.9.0.0/16."
    assert blocker["remedy"].startswith("Set vpc_cidr of us-east-2 to 10.9.0.0/16.")


def test_a_network_that_was_added_to_the_vpc_counts():
    both = {**vpc("10.9.0.0/16"), "cidrs": ["10.1.0.0/16", "10.9.0.0/16"]}
    assert codes(standing(us_east_2={"network": [both]})) == set()


def test_two_vpcs_of_one_name_are_ambiguous_whatever_their_networks():
    seen = standing(us_east_2={"network": [vpc(CIDRS[WEST]), vpc("10.9.0.0/16", 2)]})
    assert codes(seen) == {("vpc_name_ambiguous", WEST)}
    assert "vpc-1 10.1.0.0/16, vpc-2 10.9.0.0/16" in judge(seen)["blockers"][0]["reason"]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (secret(WEST, primary=None, suffix="Foreig"), "is a secret of its own, not a replica of the one in us-east-1"),
        (secret(WEST, primary=WEST, suffix="Foreig"), "is a secret of its own"),
        (secret(WEST, primary=EUROPE), "in eu-west-1, not of the secret in us-east-1"),
        (secret(WEST, suffix="Foreig"), "is a replica of arn:aws:secretsmanager:us-east-2:"),
        (secret(WEST, primary=None), "was promoted to a secret of its own"),
    ],
)
def test_a_secret_of_the_name_that_is_no_replica_of_the_primary_is_refused_with_its_remedy(found, why):
    (blocker,) = judge(standing(us_east_2={"secret": found}))["blockers"]
    assert (blocker["code"], blocker["region"]) == ("secret_foreign", WEST)
    assert why in blocker["reason"]
    is_apart = "a secret of its own, not a replica" in blocker["reason"]
    assert ("delete-secret --region us-east-2" in blocker["remedy"]) == is_apart
    assert ("docs/password_rotation.md" in blocker["remedy"]) == ("promoted" in blocker["reason"])


def test_a_replica_whose_primary_was_not_read_is_not_taken_for_foreign():
    """The active region is left out of the inventory, and a region that is added has a secret of the name."""
    seen = standing(EUROPE, WEST, eu_west_1={"secret": secret(EUROPE, primary=None, suffix="Foreig")})
    assert codes(seen) == {("active_region_left_out", EAST), ("secret_foreign", EUROPE)}


def test_a_foreign_secret_in_the_preferred_region_is_not_taken_for_the_platforms():
    seen = standing(EUROPE, EAST, WEST, eu_west_1={"secret": secret(EUROPE, primary=None, suffix="Foreig")})
    assert codes(seen) == {("secret_foreign", EUROPE)}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (None, set()),
        (RUNS, set()),
        ("8.0.mysql_aurora.3.9.0", set()),
        ("8.0.mysql_aurora.3.10.1", {("engine_version_differs", "all")}),
        ("8.4.mysql_aurora.8.4.7", {("engine_version_differs", "all")}),
    ],
)
def test_a_newer_version_names_upgrade_and_an_older_one_is_explained(version, expected):
    seen = standing()
    seen = replace(seen, wanted=replace(seen.wanted, engine_version=version))
    judged = judge(seen)
    assert codes(seen) == expected
    assert all("upgrade.yml" in one["remedy"] for one in judged["blockers"])
    if version == "8.0.mysql_aurora.3.9.0":
        assert any("is older, and AWS cannot go back" in one["reason"] for one in judged["plan"])


@given(st.sampled_from([EAST, WEST]), st.sampled_from(sorted(BASE)), st.permutations([EAST, WEST, EUROPE]))
def test_what_could_not_be_read_is_refused_and_never_planned_as_created(region, fact, inventory):
    unknown = {region.replace("-", "_"): {fact: Observation(error="AccessDenied")}}
    seen = standing(*inventory, **unknown)
    assert ("region_unreadable", region) in codes(seen)
    assert actions(seen).get((region, fact)) is None


@given(st.lists(st.sampled_from([EAST, WEST, EUROPE]), min_size=1, max_size=3, unique=True))
def test_every_region_that_is_left_out_is_named_and_no_other(inventory):
    left_out = {one["region"] for one in judge(standing(*inventory))["blockers"] if one["code"].endswith("left_out")}
    assert left_out == ({EAST, WEST} - set(inventory) if set(inventory) & {EAST, WEST} else {EAST, WEST})


ALL_THREE = (EAST, WEST, EUROPE)


def to_retire(leaving, *inventory, is_lost=False, writer=EAST, primary=EAST, there=None):
    """A platform in three regions, an inventory without one of them, and what was read of that one."""
    common = {"manifest": manifest(*ALL_THREE), "database": database(writer, ALL_THREE)}

    def facts(region):
        own = {**common, "network": [vpc(CIDRS[region])], "secret": secret(region, primary)}
        if region == leaving and there is not None:
            own = dict.fromkeys(own, there)
        return Facts(
            region, {name: one if isinstance(one, Observation) else Observation(one) for name, one in own.items()}
        )

    wanted = Wanted(
        tuple(inventory),
        {one: CIDRS[one] for one in inventory},
        "trading-dev",
        "s",
        "trading-global-dev",
        leaving=leaving,
        is_lost=is_lost,
    )
    return Seen(wanted, {one: facts(one) for one in inventory}, common["manifest"]["document"], facts(leaving))


def test_a_standby_may_leave_and_what_is_known_of_it_is_returned():
    judged = judge(to_retire(WEST, EAST, EUROPE))
    assert judged["blockers"] == []
    assert judged["leaving"] == {
        "region": WEST,
        "responds": True,
        "is_member": True,
        "is_known": True,
        "vpc_cidr": CIDRS[WEST],
    }
    assert judge(standing())["leaving"] is None


def test_the_active_region_never_leaves_and_no_region_that_the_inventory_has():
    assert codes(to_retire(EAST, WEST, EUROPE)) == {("active_region_left_out", EAST)}
    assert codes(to_retire(EAST, WEST, EUROPE, is_lost=True)) == {("active_region_left_out", EAST)}
    assert codes(to_retire(WEST, EAST, WEST, EUROPE)) == {("leaving_region_in_inventory", WEST)}


def test_a_region_that_does_not_respond_leaves_only_if_it_is_said_to_be_lost_for_good():
    silent = Observation(error="no answer")
    assert codes(to_retire(WEST, EAST, EUROPE, there=silent)) == {("leaving_region_unreadable", WEST)}
    judged = judge(to_retire(WEST, EAST, EUROPE, there=silent, is_lost=True))
    assert judged["blockers"] == [] and judged["leaving"]["responds"] is False


def test_only_the_region_that_was_named_may_be_left_out_and_none_is_added_meanwhile():
    seen = to_retire(WEST, EAST)
    assert codes(seen) == {("standby_left_out", EUROPE)}
    seen = replace(to_retire(WEST, EAST, EUROPE), manifest=manifest(EAST, WEST)["document"])
    seen = replace(
        seen,
        facts={
            one: Facts(one, {**{name: facts[name] for name in FACTS}, "database": Observation(database())})
            for one, facts in seen.facts.items()
        },
    )
    assert codes(seen) == {("new_region_beside_leaving", EUROPE)}


def test_secrets_that_an_interrupted_retirement_has_promoted_are_no_strangers():
    seen = to_retire(WEST, EAST, EUROPE)
    alone = {
        one: Facts(one, {**{name: facts[name] for name in FACTS}, "secret": Observation(secret(one, None))})
        for one, facts in seen.facts.items()
    }
    assert codes(replace(seen, facts=alone)) == set()
    assert {code for code, _region in codes(replace(seen, facts=alone, wanted=replace(seen.wanted, leaving=None)))} == {
        "secret_foreign",
        "standby_left_out",
    }


def test_a_region_that_left_while_it_did_not_respond_is_listed_and_not_added_again():
    record = {"region": EUROPE, "left_at": "2026-01-01T00:00:00Z"}
    document = {**manifest(EAST, WEST)["document"], "retired": [record]}
    seen = replace(standing(us_east_1={"database": database(regions=ALL_THREE)}), manifest=document)
    judged = judge(seen)
    assert (judged["blockers"], judged["retired"], judged["platform_regions"]) == ([], [record], [EAST, WEST])
    (row,) = [one for one in judged["plan"] if one["part"] == "retired"]
    assert "run retire_region.yml -e retire_region=eu-west-1" in row["reason"]
    again = replace(standing(EAST, WEST, EUROPE), manifest=document)
    assert codes(again) == {("retired_region_in_inventory", EUROPE)}


THEIRS = {**dict.fromkeys(("network", "global_database", "application"), "existing"), "encryption": "absent"}


def of_others(seen):
    """The same platform, of whose layers site.yml makes only the control."""
    wanted = replace(seen.wanted, states=THEIRS, vpc_cidrs={})
    facts = {one: Facts(one, {part: found[part] for part in wanted.parts}) for one, found in seen.facts.items()}
    return replace(seen, wanted=wanted, facts=facts)


def test_what_others_have_made_is_left_alone_and_what_is_absent_is_no_part_of_the_plan():
    seen = of_others(standing())
    judged = judge(seen)
    assert judged["blockers"] == []
    assert {action for action in actions(seen).values()} == {"left_alone"}
    assert {part for _region, part in actions(seen)} == {"network", "application", "database", "manifest"}
    assert [row["reason"] for row in judged["plan"] if row["part"] == "network"] == [
        "It exists: others have made it, and site.yml only reads it."
    ] * 2


def test_a_table_that_others_should_have_made_and_that_is_not_there_is_refused_and_not_made():
    table = {"session_table": {EAST: "sessions", WEST: "sessions"}}
    seen = standing(us_east_1={"session_table": True}, us_east_2={"session_table": False})
    wanted = replace(seen.wanted, states={"session_table": "existing"}, resources=table)
    seen = replace(seen, wanted=wanted)
    assert codes(seen) == {("existing_missing", WEST)}
    assert actions(seen)[EAST, "session_table"] == "left_alone" and (WEST, "session_table") not in actions(seen)


def test_a_member_of_somebody_elses_database_outside_the_inventory_is_no_region_unless_it_writes():
    more = {"database": database(regions=(EAST, WEST, EUROPE))}
    assert codes(of_others(standing(us_east_1=more))) == set()
    moved = {"database": database(writer=EUROPE, regions=(EAST, WEST, EUROPE))}
    seen = of_others(standing(us_east_1=moved, us_east_2=moved))
    assert codes(seen) == {("active_region_left_out", EUROPE)}


def test_a_region_without_a_member_gets_no_cluster_in_somebody_elses_database():
    seen = of_others(standing(us_east_1={"database": database(regions=(EAST,))}, us_east_2={"database": None}))
    assert (WEST, "database") not in actions(seen)
