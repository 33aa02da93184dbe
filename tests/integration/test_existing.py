# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform that others have made, with names of their own: adopted, judged, moved, and otherwise left alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.client import Lab
from tests.integration import stranger
from tests.integration.authorization_reference import is_writing
from tests.integration.leftovers import asked
from tests.integration.permissions import parts_of
from tests.integration.platforms import ACCOUNT, Platform, Run, as_user, make_policies, run_playbook
from tests.integration.stranger import DOMAIN, EAST, EUROPE, GLOBAL, PLACES, SHOP, WEST, ZONE

BALANCERS = {EAST: "front-virginia", WEST: "front-ohio"}
# What tags find instead.
UNNAMED = {"adopt_global_cluster": "", "adopt_load_balancers": ""}
# Of the lab, where there is one.
DNS_SERVERS = "{{ lookup('ansible.builtin.env', 'LAB_DNS_SERVER') | split(',') | select | list }}"
# What a move may change of what exists: the writer, the capacity, the fence. The copy of a rescued snapshot is new.
OF_A_MOVE = {
    "rds": {"SwitchoverGlobalCluster", "FailoverGlobalCluster", "CopyDBClusterSnapshot"},
    "autoscaling": {
        "UpdateAutoScalingGroup",
        "SetDesiredCapacity",
        "PutScheduledUpdateGroupAction",
        "DeleteScheduledAction",
    },
    "ec2": {"RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress", "ReplaceNetworkAclEntry"},
}
# Ours beside it: subscriptions to the database's events.
OF_OURS = {"CreateEventSubscription", "ModifyEventSubscription", "DeleteEventSubscription"}
SERVICES = ("rds", "ec2", "elbv2", "autoscaling", "kms", "secretsmanager")
# Rights that only a platform with alarms and dashboards needs.
ALARMS = {
    *("cloudwatch:PutMetricAlarm", "cloudwatch:PutDashboard", "cloudwatch:DeleteAlarms"),
    *("rds:CreateEventSubscription", "cloudwatch:PutMetricData"),
}


@pytest.fixture(scope="module")
def exists(tmp_path_factory) -> Iterator[Lab]:
    with Lab.start(tmp_path_factory.mktemp("lab")) as lab:
        stranger.build(lab)
        yield lab


@pytest.fixture(scope="module")
def adopted(exists, tmp_path_factory) -> tuple[Run, Platform]:
    """What adopt.yml printed, and the platform by the inventory that it wrote."""
    return adopted_into(exists, tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def tagged(tmp_path_factory) -> Iterator[Platform]:
    """Another such platform: keys of its own, no topics, its network named by nothing but tags."""
    with Lab.start(tmp_path_factory.mktemp("tagged")) as lab:
        stranger.build(lab)
        stranger.separate_databases(lab)
        _run, platform = adopted_into(lab, tmp_path_factory.mktemp("tags"))
        by_tags(platform.inventory, {"network_database_network_acl_tags": stranger.TIER})
        yield platform


@pytest.fixture
def exists_too(tmp_path_factory) -> Iterator[Platform]:
    """One more such platform, whose name is free."""
    with Lab.start(tmp_path_factory.mktemp("records")) as lab:
        stranger.build(lab)
        _run, platform = adopted_into(lab, tmp_path_factory.mktemp("inventory"))
        yield platform


def by_tags(inventory: Path, more: dict[str, Any] | None = None) -> None:
    """Change an inventory that adopt.yml wrote: keys and tags in place of ids, and no monitoring."""
    for file in inventory.glob("host_vars/*.yml"):
        named = {name: one for name, one in yaml.safe_load(file.read_text()).items() if not name.startswith("network_")}
        file.write_text(yaml.safe_dump(named))
    written = yaml.safe_load((inventory / "group_vars/all/10_env.yml").read_text())
    (inventory / "group_vars/all/30_tags.yml").write_text(
        yaml.safe_dump(
            {
                "platform_layers": {**written["platform_layers"], "encryption": "existing", "monitoring": "absent"},
                "encryption_key_id": stranger.KEY,
                "network_vpc_tags": stranger.LIVE,
                "network_database_security_group_tags": stranger.TIER,
                "network_database_subnet_tags": stranger.TIER,
                **(more or {}),
            }
        )
    )


def adopted_into(lab: Lab, folder: Path, **more: Any) -> tuple[Run, Platform]:
    run = adopt(lab, folder, **more).ends_well()
    (folder / "group_vars/all/20_lab.yml").write_text(
        yaml.safe_dump(
            {
                "environment_protection": False,
                "global_database_poll_interval": 2,
                "traffic_dns_servers": DNS_SERVERS,
                "traffic_probe_proxy": "{{ lookup('ansible.builtin.env', 'LAB_PROBE_PROXY') }}",
            }
        )
    )
    return run, Platform(lab, folder, (EAST, WEST), folder)


def adopt(lab: Lab, folder: Path, **more: Any) -> Run:
    given = {
        "environment_suffix": "prod",
        "platform_name": "orders",
        "adopt_region": EAST,
        "adopt_global_cluster": GLOBAL,
        "adopt_load_balancers": BALANCERS,
        "adopt_folder": str(folder),
        "traffic_domain": DOMAIN,
        "adopt_zone": ZONE,
        **more,
    }
    return run_playbook("adopt", "-e", json.dumps(given), lab=lab, inventory="localhost,")


def changes(lab: Lab, since: float) -> list[tuple[str, str]]:
    """The calls that have changed something, as (service, operation)."""
    return [(one["service"], one["operation"]) for one in lab.calls(since) if one["mutating"]]


def belongings(lab: Lab, region: str) -> dict[str, Any]:
    """Everything that the stranger has made in a region, without what a move may change and what passes."""
    ec2, elb, rds, kms = (lab.client(name, region) for name in ("ec2", "elbv2", "rds", "kms"))
    cluster = rds.describe_db_clusters(DBClusterIdentifier=f"orders-{PLACES[region]}")["DBClusters"][0]
    key = kms.describe_key(KeyId=stranger.KEY)["KeyMetadata"]
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (group,) = lab.client("autoscaling", region).describe_auto_scaling_groups()["AutoScalingGroups"]
    passing = {"ReplicationSourceIdentifier", "DBClusterMembers", "Status", "LatestRestorableTime", "ReaderEndpoint"}
    sizes = {"MinSize", "DesiredCapacity", "Instances"}
    return {
        "cluster": {
            name: value
            for name, value in cluster.items()
            if name not in passing and not name.startswith(("Global", "Read", "Earliest"))
        },
        "balancer": balancer,
        "listeners": elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"],
        "targets": elb.describe_target_groups()["TargetGroups"],
        "group": {name: value for name, value in group.items() if name not in sizes},
        "key": key,
        "policy": kms.get_key_policy(KeyId=key["Arn"], PolicyName="default")["Policy"],
        "subnets": ec2.describe_subnets()["Subnets"],
        "acls": ec2.describe_network_acls()["NetworkAcls"],
        "rules": {
            one["GroupId"]: sorted(json.dumps(rule, sort_keys=True) for rule in one["IpPermissions"])
            for one in ec2.describe_security_groups()["SecurityGroups"]
        },
    }


def test_an_inventory_is_proposed_from_the_global_cluster_and_the_load_balancers(exists, adopted):
    run, platform = adopted
    assert changes(exists, run.began) == [], "it reads only"
    hosts = {one: yaml.safe_load((platform.inventory / f"host_vars/{one}.yml").read_text()) for one in (EAST, WEST)}
    for region in (EAST, WEST):
        place = PLACES[region]
        host = hosts[region]
        assert host["global_database_cluster_identifier"] == f"orders-{place}"
        assert host["application_load_balancer_name"] == f"front-{place}"
        assert host["application_target_group_name"] == f"web-{place}"
        assert host["application_autoscaling_group_name"] == f"workers-{place}"
        assert host["network_database_security_group_id"].startswith("sg-")
    group = yaml.safe_load((platform.inventory / "group_vars/all/10_env.yml").read_text())
    assert group["platform_layers"]["global_database"] == "existing"
    assert (group["traffic_health_path"], group["failover_fencing"]) == ("/alive", "database_ingress")
    assert "new connections end, those that are open may go on" in " ".join(run.output.split())


def test_what_is_missing_is_said_and_site_yml_refuses_it_before_any_change(exists, adopted, tmp_path):
    run = adopt(exists, tmp_path, adopt_load_balancers={EAST: "front-virginia", WEST: "front-virginia"}).ends_well()
    words = "There is no load balancer front-virginia, but us-east-1 has one of that name."
    assert words in " ".join(run.output.split())
    _run, platform = adopted
    group = json.dumps({"application_autoscaling_group_name": "workers-nobody"})
    refused = platform.run("site", "-e", group)
    text = " ".join(refused.output.split())
    assert refused.code != 0 and "Nothing has been changed." in text, refused.output[-3000:]
    assert "web-ohio has workers-ohio, not workers-nobody. Name the group that registers its instances there." in text
    assert changes(exists, refused.began) == []


@pytest.fixture
def stores(exists) -> Iterator[None]:
    stranger.build_stores(exists)
    yield
    stranger.remove_stores(exists)


@pytest.mark.nightly
def test_an_inventory_is_proposed_from_tags_alone(exists, adopted, stores, tmp_path):
    folder = tmp_path / "inventory"
    run = adopt(exists, folder, adopt_tags=stranger.LIVE, **UNNAMED).ends_well()
    assert changes(exists, run.began) == [], "it reads only"
    _run, named = adopted
    for region in (EAST, WEST):
        host = yaml.safe_load((folder / f"host_vars/{region}.yml").read_text())
        assert host.pop("object_storage_bucket") == f"files-{PLACES[region]}"
        assert host == yaml.safe_load((named.inventory / f"host_vars/{region}.yml").read_text())
    group = yaml.safe_load((folder / "group_vars/all/10_env.yml").read_text())
    by_name = yaml.safe_load((named.inventory / "group_vars/all/10_env.yml").read_text())
    stores_exist = {"session_table": "existing", "object_storage": "existing"}
    assert group == {
        **by_name,
        "platform_layers": {**by_name["platform_layers"], **stores_exist},
        "session_table_name": stranger.TABLE,
    }
    policies = json.dumps(policies_of(folder, tmp_path / "policies"))
    assert f"table/{stranger.TABLE}" in policies and "s3:::files-ohio" in policies


@pytest.mark.nightly
def test_layers_that_tags_do_not_find_are_said_and_those_that_are_named_need_none(exists, tmp_path):
    rds = exists.client("rds")
    rds.create_global_cluster(GlobalClusterIdentifier="fx", Engine="aurora-mysql", Tags=stranger.listed(stranger.TEAM))
    try:
        several = adopt(exists, tmp_path, adopt_tags=stranger.TEAM, **UNNAMED).ends_well()
    finally:
        rds.delete_global_cluster(GlobalClusterIdentifier="fx")
    words = (
        "fx, orders have the tags Team=orders; which one is meant is unknown. Name one of them in adopt_global_cluster"
    )
    assert words in " ".join(several.output.split())
    nothing = adopt(exists, tmp_path, adopt_tags={"Team": "fx"}, adopt_load_balancers={EAST: BALANCERS[EAST]})
    text = " ".join(nothing.ends_well().output.split())
    assert "Nothing has the tags Team=fx. Tag it, or name it in adopt_load_balancers." in text
    assert f"{GLOBAL} has members in us-east-1, us-east-2" in text and "front-virginia is active" in text
    assert "No table has the tags Team=fx: the platform is without one." in text
    refused = adopt(exists, tmp_path, adopt_tags="orders")
    assert refused.code != 0
    assert "adopt_tags is 'orders'; allowed: a dictionary of tags" in " ".join(refused.output.split())


def test_keys_and_tags_that_find_nothing_or_too_much_are_rows_of_what_is_missing(exists, adopted, tmp_path):
    _run, platform = adopted
    copy = Path(shutil.copytree(platform.inventory, tmp_path / "inventory"))
    by_tags(copy)
    wrong = {
        "encryption_key_id": "alias/nobody",
        "network_vpc_tags": stranger.TEAM,
        "network_database_security_group_tags": {"Tier": "none"},
    }
    rows = (
        "There is no key alias/nobody.",
        "have the tags Team=orders; which one is meant is unknown. Add a tag to network_vpc_tags",
        "Nothing has the tags Tier=none. Correct network_database_security_group_tags, or tag it.",
        "The tags Tier=data find subnet-",
    )
    shared = {"network_database_network_acl_tags": stranger.SHARED}
    for given, told in ((wrong, rows), (shared, ["fencing the database would cut these off."])):
        refused = run_playbook("site", "-e", json.dumps(given), lab=exists, inventory=copy)
        text = " ".join(refused.output.split())
        assert refused.code != 0 and "Nothing has been changed." in text, refused.output[-3000:]
        assert [row for row in told if row not in text] == [], text
        assert changes(exists, refused.began) == []


def test_a_misspelt_input_and_one_that_is_missing_and_a_database_that_nobody_has_are_refused(exists, tmp_path):
    run = adopt(exists, tmp_path, adopt_tag={"Team": "orders"})
    assert run.code != 0 and "did you mean adopt_tags?" in run.output
    run = adopt(exists, tmp_path, adopt_global_cluster="fx")
    assert run.code != 0
    assert "global_cluster_identifier is 'fx'; allowed: a global cluster of this account" in " ".join(
        run.output.split()
    )
    run = adopt(exists, tmp_path, adopt_load_balancers="")
    assert run.code != 0 and "Not given: adopt_load_balancers; allowed: all of" in " ".join(run.output.split())


def policies_of(inventory: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The statements of each kind of runner that policies.yml writes."""
    make = ("-e", f"aws_account_id={ACCOUNT}", "-e", f"policies_folder={folder}")
    run_playbook("policies", *make, lab=None, inventory=inventory).ends_well()
    return {
        kind: [one for file in folder.glob(f"*-{kind}-*.json") for one in json.loads(file.read_text())["Statement"]]
        for kind in ("failover", "read-only", "provisioning")
    }


def test_no_policy_lets_a_runner_change_more_of_it_than_a_move_does(adopted, tmp_path):
    _run, platform = adopted
    allowed = {
        action
        for statements in policies_of(platform.inventory, tmp_path).values()
        for statement in statements
        for action in statement["Action"]
        if action.split(":")[0] in ("rds", "ec2", "elasticloadbalancing", "autoscaling", "kms", "secretsmanager")
    }
    writing = {one for one in allowed if not one.split(":")[1].startswith(("Describe", "List"))}
    of_a_move = {f"{service}:{operation}" for service, operations in OF_A_MOVE.items() for operation in operations}
    detached = {"rds:RemoveFromGlobalCluster"}
    copied = {"rds:AddTagsToResource", "kms:CreateGrant"}
    ours = {f"rds:{operation}" for operation in OF_OURS} | {
        f"rds:{way}SourceIdentifier{to}Subscription" for way, to in (("Add", "To"), ("Remove", "From"))
    }
    assert writing - of_a_move - detached - copied - ours == set()


def test_records_of_others_are_left_alone_unless_they_may_be_repointed(exists, adopted):
    _run, platform = adopted
    stranger.make_records(exists, "taken.example.org", "simple")
    stranger.make_records(exists, "shared.example.org")
    for domain, words in (
        ("taken.example.org", "taken.example.org has records of others, A simple; only a PRIMARY and a SECONDARY"),
        ("shared.example.org", "A SECONDARY ohio, and traffic_repoint_records is false. Set traffic_repoint_records"),
    ):
        refused = platform.run("site", "-e", f"traffic_domain={domain}")
        text = " ".join(refused.output.split())
        assert refused.code != 0 and words in text and "Nothing has been changed." in text, refused.output[-3000:]
        assert changes(exists, refused.began) == []


def test_policies_have_no_right_to_topics_that_are_absent_and_only_use_keys_of_others(adopted, tmp_path):
    _run, platform = adopted
    copy = Path(shutil.copytree(platform.inventory, tmp_path / "inventory"))
    by_tags(copy)
    found = policies_of(copy, tmp_path / "policies")
    statements = [one for statements in found.values() for one in statements]
    actions = {action for one in statements for action in one["Action"]}
    assert not {one for one in actions if one.startswith("sns:") or one in ALARMS}
    of_keys = [one for one in statements if any(action.startswith("kms:") for action in one["Action"])]
    named = [one for one in of_keys if one["Condition"].get("ForAnyValue:StringEquals")]
    assert {json.dumps(one["Condition"]["ForAnyValue:StringEquals"]) for one in named} == {
        json.dumps({"kms:ResourceAliases": [stranger.KEY]})
    }
    use = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}
    assert {action for one in of_keys for action in one["Action"] if is_writing(action)} == {"kms:CreateGrant"} | use
    fences = [one for one in found["failover"] if "ec2:RevokeSecurityGroupIngress" in one["Action"]]
    assert [one["Condition"] for one in fences] == [{"StringEquals": {"aws:ResourceTag/Tier": "data"}}] * 2


def test_policies_name_exactly_the_keys_of_others_that_are_named_by_their_arns(adopted, tmp_path):
    _run, platform = adopted
    copy = Path(shutil.copytree(platform.inventory, tmp_path / "inventory"))
    by_tags(copy)
    arns = {region: f"arn:aws:kms:{region}:{ACCOUNT}:key/{PLACES[region]}" for region in (EAST, WEST)}
    for region, arn in arns.items():
        file = copy / f"host_vars/{region}.yml"
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "encryption_key_id": arn}))
    for kind, statements in policies_of(copy, tmp_path / "policies").items():
        of_keys = [one for one in statements if any(action.startswith("kms:") for action in one["Action"])]
        assert "kms:ResourceAliases" not in json.dumps(of_keys)
        # The key of the database, with which RDS encrypts the copy of a rescued snapshot, is not named.
        use = [one for one in of_keys if {"kms:Decrypt", "kms:CreateGrant"} & {*one["Action"]}]
        named = [one["Resource"] for one in use if "kms:ViaService" not in json.dumps(one)]
        assert named and all(one == list(arns.values()) for one in named), kind


@pytest.mark.nightly
def test_it_is_moved_there_and_back_and_nothing_else_of_it_is_changed(exists, adopted):
    _run, platform = adopted
    before = {region: belongings(exists, region) for region in platform.regions}
    site = platform.run("site").ends_well()
    again = platform.run("site").ends_well()
    assert set(again.changed.values()) == {0}, again.output[-3000:]
    assert [one for one in changes(exists, site.began) if one[0] in SERVICES and one[1] not in OF_OURS] == []

    platform.run("readiness").ends_well()
    stranger.point_at_the_name(exists)
    exists.outage(EAST)
    platform.run("failover").ends_well()
    assert [exists.resolve(name)["region"] for name in (DOMAIN, SHOP)] == [WEST, WEST]
    exists.restore(EAST)
    platform.run("failback").ends_well()
    assert [exists.resolve(name)["region"] for name in (DOMAIN, SHOP)] == [EAST, EAST]
    platform.run("drill").ends_well()

    made = [one for one in changes(exists, site.began) if one[0] in SERVICES]
    assert [one for one in made if one[1] not in OF_A_MOVE.get(one[0], set()) | OF_OURS] == []
    assert {region: belongings(exists, region) for region in platform.regions} == before
    assert not [name for name in exists.client("dynamodb").list_tables()["TableNames"] if "sessions" in name]

    platform.run("teardown", "-e", "confirm=prod").ends_well()
    assert {region: belongings(exists, region) for region in platform.regions} == before
    assert len(exists.client("rds").describe_global_clusters()["GlobalClusters"][0]["GlobalClusterMembers"]) == len(
        before
    )
    assert exists.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.nightly
def test_runners_with_the_generated_policies_build_fence_move_and_remove_it(tagged, tmp_path):
    """Keys of others, a network that tags find, no topics; each playbook by a user who has the policy for it alone."""
    lab, name = tagged.lab, "orders-{}-runner-prod"
    before = {region: belongings(lab, region) for region in tagged.regions}
    builder = as_user(tagged, "builder", make_policies(lab, tagged.inventory, tmp_path))
    site = builder.run("site").ends_well()
    again = builder.run("site").ends_well()
    assert set(again.changed.values()) == {0}, again.output[-3000:]
    assert [one for one in changes(lab, site.began) if one[0] in (*SERVICES, "sns")] == []
    for region in tagged.regions:
        table = lab.client("dynamodb", region).describe_table(TableName="orders-failover-prod")["Table"]
        assert table["SSEDescription"]["KMSMasterKeyArn"] == before[region]["key"]["Arn"]
    mover = as_user(tagged, "mover", [one["Arn"] for one in parts_of(tagged, name.format("failover"))])
    reader = as_user(tagged, "reader", [one["Arn"] for one in parts_of(tagged, name.format("read-only"))])
    reader.run("readiness", "-e", f"readiness_runner_arn=arn:aws:iam::{ACCOUNT}:user/mover").ends_well()

    lab.set_targets(EAST, "unhealthy")
    moved = mover.run("failover").ends_well()
    assert "Nobody is notified: this platform has no topic" in " ".join(moved.output.split())
    assert [stranger.actions_of_acl(lab, region) for region in (EAST, WEST)] == [{"deny"}, {"allow"}]
    lab.set_targets(EAST, "healthy")
    mover.run("failback").ends_well()
    assert [stranger.actions_of_acl(lab, region) for region in (EAST, WEST)] == [{"allow"}, {"allow"}]
    assert lab.resolve(DOMAIN)["region"] == EAST
    made = [one for one in changes(lab, site.began) if one[0] in (*SERVICES, "sns", "cloudwatch")]
    assert [one for one in made if one[1] not in OF_A_MOVE.get(one[0], set())] == []
    assert {region: belongings(lab, region) for region in tagged.regions} == before

    # As an administrator: a teardown deletes no policy that somebody has.
    iam = lab.client("iam")
    for user in ("mover", "reader"):
        for policy in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])
    builder.run("teardown", "-e", "confirm=prod").ends_well()
    assert {region: belongings(lab, region) for region in tagged.regions} == before
    assert lab.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.nightly
def test_a_region_leaves_such_a_platform_and_nothing_of_it_is_touched(tmp_path):
    regions = (EAST, WEST, EUROPE)
    (tmp_path / "lab").mkdir()
    with Lab.start(tmp_path / "lab") as lab:
        stranger.build(lab, regions)
        balancers = {region: f"front-{PLACES[region]}" for region in regions}
        _run, platform = adopted_into(lab, tmp_path / "inventory", adopt_load_balancers=balancers)
        before = {region: belongings(lab, region) for region in regions}
        site = platform.run("site").ends_well()
        rest = replace(platform, inventory=Path(shutil.copytree(platform.inventory, tmp_path / "rest")))
        (rest.inventory / f"host_vars/{EUROPE}.yml").unlink()
        hosts = [one for one in (rest.inventory / "hosts").read_text().splitlines() if not one.startswith(EUROPE)]
        (rest.inventory / "hosts").write_text("\n".join([*hosts, ""]))
        rest.run("retire_region", *asked(EUROPE)).ends_well()
        assert lab.client("dynamodb", EUROPE).list_tables()["TableNames"] == []
        again = rest.run("site").ends_well()
        assert set(again.changed.values()) == {0}, again.output[-3000:]
        rest.run("teardown", "-e", "confirm=prod").ends_well()
        assert [one for one in changes(lab, site.began) if one[0] in SERVICES and one[1] not in OF_OURS] == []
        assert {region: belongings(lab, region) for region in regions} == before
        members = lab.client("rds").describe_global_clusters()["GlobalClusters"][0]["GlobalClusterMembers"]
        assert len(members) == len(regions)


@pytest.mark.nightly
def test_failover_records_of_others_follow_the_switch_and_get_back_what_they_had(exists_too):
    lab, platform = exists_too.lab, exists_too
    checks = stranger.make_records(lab, DOMAIN)
    before = stranger.records_of(lab, DOMAIN)
    allow = ("-e", "traffic_repoint_records=true")
    dry = platform.run("site", "--check", "--diff", *allow).ends_well()
    shown = [one for one in dry.output.splitlines() if "HealthCheckId" in one and one[:1] in "+-"]
    assert any(checks[0] in one for one in shown), dry.output[-4000:]
    assert stranger.records_of(lab, DOMAIN) == before and changes(lab, dry.began) == []
    site = platform.run("site", *allow).ends_well()
    switched = stranger.records_of(lab, DOMAIN)
    assert [without_check(one) for one in switched.values()] == [without_check(one) for one in before.values()]
    assert switched["virginia"]["HealthCheckId"] not in checks and "HealthCheckId" not in switched["ohio"]
    assert lab.resolve(DOMAIN)["region"] == EAST
    again = platform.run("site", *allow).ends_well()
    assert set(again.changed.values()) == {0}, again.output[-3000:]
    refused = platform.run("site")
    assert refused.code != 0 and "traffic_repoint_records is false" in " ".join(refused.output.split())
    platform.run("readiness").ends_well()

    lab.outage(EAST, mode="reset")
    moved = platform.run("failover").ends_well()
    assert lab.resolve(DOMAIN)["region"] == WEST
    assert [one for one in lab.calls(moved.began) if one["service"] == "route53" and one["mutating"]] == []
    lab.restore(EAST)
    platform.run("failback").ends_well()
    assert lab.resolve(DOMAIN)["region"] == EAST
    named = {"DeleteHealthCheck", "CreateHealthCheck", "ChangeResourceRecordSets", "ChangeTagsForResource"}
    assert {one[1] for one in changes(lab, site.began) if one[0] == "route53"} <= named

    platform.run("teardown", "-e", "confirm=prod").ends_well()
    assert stranger.records_of(lab, DOMAIN) == before
    left = lab.client("route53").list_health_checks()["HealthChecks"]
    assert sorted(one["Id"] for one in left) == sorted(checks)


def without_check(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "HealthCheckId"}
