# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of our modules, good and bad, made from their own argument specs.

What is good is written down here by an option's name, apart from the rules of the collection, so that a rule that
refuses too much is found as one that refuses too little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hypothesis import strategies as st

EAST, WEST = "us-east-1", "us-east-2"
ACCOUNT = "123456789012"
CLUSTER_ARN = f"arn:aws:rds:{{}}:{ACCOUNT}:cluster:trading-{{}}-dev"
TOPIC_ARN = f"arn:aws:sns:{{}}:{ACCOUNT}:trading-alerts-dev"
GROUP_ARN = f"arn:aws:elasticloadbalancing:{{}}:{ACCOUNT}:targetgroup/trading-tg-dev/0123456789abcdef"
ACCELERATOR = f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/1234abcd"
PANEL = f"arn:aws:route53-recovery-control::{ACCOUNT}:controlpanel/abc"


def entry(region: str) -> dict[str, object]:
    """Return a region's entry of the recovery manifest."""
    return {
        "region": region,
        "db_cluster_identifier": f"trading-{region}-dev",
        "db_cluster_arn": CLUSTER_ARN.format(region, region),
        "target_group_arn": GROUP_ARN.format(region),
        "autoscaling_group_name": "trading-asg-dev",
        "capacity": {"min": 1, "desired": 2, "max": 4},
        "topic_arn": TOPIC_ARN.format(region),
        "control_bucket": f"trading-control-{region}-dev",
        "session_table": "trading-sessions-dev",
        "health_check_id": "11111111-2222-3333-4444-555555555555",
        "load_balancer_dns_name": f"trading-alb-dev.{region}.elb.example",
    }


MANIFEST = {
    "version": 1,
    "environment": "dev",
    "global_database": {"identifier": "trading-global-dev", "engine_version": "8.0.mysql_aurora.3.10.5"},
    "traffic": {
        "backend": "s3_object",
        "domain": "trading-platform-dev.example.com",
        "switch_key": "active-region",
        "health_path": "/health",
        "scheme": "http",
        "name_servers": [],
    },
    "regions": [entry(EAST), entry(WEST)],
}
VERDICT = {"verdict": "healthy", "reason": "It serves.", "signals": {"database": {"state": "healthy", "reason": "ok"}}}
ENDED_LEASE = {
    "run_id": "r-0",
    "claim": "r-0",
    "attempt": 1,
    "owner": "ann",
    "outcome": "failed",
    "method": "failover",
    "trigger": "by hand",
    "target_region": WEST,
    "step": None,
    "started_at": 1.0,
    "acquired_at": 2.0,
    "renewed_at": 3.0,
    "ended": "failed",
    "earlier": [],
}
PAUSE = {"version": 1, "pause": {"until": 2e9, "by": "ann", "reason": "work", "since": 1.0}}
# What a control table may hold, with damage.
DOCUMENTS = [MANIFEST, PAUSE, {"version": 1}, {"version": 2, "new": "form"}, {}, [], None, 7, "text"]

TEXTS = {
    "active_region": [EAST, WEST],
    "autoscaling_group_name": ["trading-asg-dev"],
    "ecs_service": ["trading/orders"],
    "service": ["trading/orders"],
    "bucket": ["trading-data-us-east-1-dev"],
    "by": ["ann", "zoë"],
    "database_name": ["trading"],
    "db_cluster_identifier": ["trading-us-east-1-dev"],
    "destination_bucket_arn": ["arn:aws:s3:::trading-data-us-east-2-dev", "arn:aws-cn:s3:::trading-data"],
    "db_instance_class": ["db.r6g.large", "db.serverless"],
    "domain": ["trading-platform-dev.example.com", "example.com."],
    "zone": ["example.com"],
    "endpoint": ["https://host-aaaaaa.us-east-1.example.com/v1"],
    "engine_version": ["8.0.mysql_aurora.3.10.5", "8.0.mysql_aurora.3.10"],
    "expected_active_region": [EAST],
    "expected_region": [EAST, WEST],
    "expected_writer_region": [EAST, "eu-central-1"],
    "fqdn": ["trading-alb-dev.us-east-1.elb.example"],
    "global_cluster_identifier": ["trading-global-dev"],
    "health_path": ["/health"],
    "ip_address": ["192.0.2.1", "2001:db8::1"],
    "account_id": [ACCOUNT],
    "health_check_ids": ["11111111-2222-3333-4444-555555555555"],
    "key_alias": ["alias/trading-dev"],
    "performance_insights_kms_key_arn": [f"arn:aws:kms:us-east-2:{ACCOUNT}:key/0123"],
    "kms_key_arn": [f"arn:aws:kms:us-east-2:{ACCOUNT}:key/0123", f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/trading"],
    "member_region": [WEST],
    "metric_namespace": ["Trading/TrafficSwitch"],
    "msg": ["It moved.\nTwo lines.", "Ω"],
    "hosted_zone_id": ["Z0123456789ABCDEFGHIJ"],
    "name": ["trading-dev"],
    "object_key": ["active-region"],
    "parameter_name": ["/trading/dev/database/writer-endpoint"],
    "prefix": ["data/"],
    "probe_path": ["/health"],
    "probe_proxy": ["http://127.0.0.1:9"],
    "reason": ["why\nnot", "Ω", "-"],
    "removed_regions": [EAST, "eu-west-1"],
    "region": [EAST, WEST, "us-gov-west-1", "cn-north-1", "eusc-de-east-1"],
    "required_region": [EAST, WEST],
    "resource_path": ["/health?deep=1"],
    "boundary_arn": [f"arn:aws:iam::{ACCOUNT}:policy/desk"],
    "role_arn": [f"arn:aws:iam::{ACCOUNT}:role/trading-replication-dev"],
    "routing_control_arn": [f"{PANEL}/routingcontrol/{number}" for number in "12"],
    "endpoint_group_arn": [f"{ACCELERATOR}/listener/0123/endpoint-group/{number}" for number in "12"],
    "endpoint_arn": [f"arn:aws:elasticloadbalancing:{EAST}:{ACCOUNT}:loadbalancer/app/trading-alb/0123"],
    "arn": [ACCELERATOR],
    "dns_name": ["a1234567890abcdef.awsglobalaccelerator.com"],
    "addresses": ["192.0.2.250"],
    "initial_region": [EAST],
    "runner_arn": [f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/ann"],
    "safety_rules_to_override": [f"{PANEL}/safetyrule/1"],
    "security_group_id": ["sg-0123456789abcdef0"],
    "source_db_cluster_arn": [CLUSTER_ARN.format(EAST, EAST)],
    "subject": ["moved", "Ω, in two\nlines"],
    "table_name": ["trading-failover-dev"],
    "target_group_arn": [GROUP_ARN.format(EAST)],
    "topic_arn": [TOPIC_ARN.format(EAST)],
    "target_region": [WEST],
    "target_zone_id": ["Z3AADJGX6KTTL2"],
    "traffic_region": [WEST],
    "writer_region": [WEST],
    "preferred_region": [WEST],
    "child_health_checks": ["11111111-2222-3333-4444-555555555555"],
    "dns_servers": ["127.0.0.1:53", "ns.example.com", "[::1]:53"],
    "regions": [EAST, WEST],
}
NUMBERS = {
    "performance_insights_retention_days": [7, 31, "465"],
    "attempt": [1, 2],
    "consecutive_failures": [1, 3],
    "failure_threshold": [1, 10],
    "health_threshold": [0, 1],
    "lease_seconds": [10, 60],
    "limit": [1, 20],
    "min_healthy_ratio": [0.0, 0.5, 1],
    "password_length": [32],
    "pause_seconds": [1, 3600],
    "port": [80, 65535],
    "quorum": [2, 3],
    "retention_in_days": [30, 365],
    "since": [0, 1.7e9],
}
DICTS = {
    "endpoint_groups": [{EAST: f"{ACCELERATOR}/listener/0123/endpoint-group/1"}],
    "attributes": [{"run": "r-1", "n": 5}],
    "body": [{"widgets": []}],
    "capacity": [{EAST: 4, WEST: 0}, {}],
    "db_cluster_arns": [{region: CLUSTER_ARN.format(region, region) for region in (EAST, WEST)}],
    "db_clusters": [{EAST: "trading-us-east-1-dev"}],
    "dimensions": [{"Platform": "trading-dev"}, {}],
    "autoscaling_group_names": [{EAST: "workers-virginia"}, {}],
    "layer_tags": [{"Team": "orders", "Stage": "live"}, {}],
    "layer_states": [{"session_table": "absent", "object_storage": "existing"}, {}],
    "environment": [{"HOOK": "r-1"}, {}],
    "layers": [{"network": [], "application": ["network"]}, {}],
    "load_balancer_names": [{EAST: "front-virginia", WEST: "front-ohio"}, {}],
    "load_balancers": [{EAST: "one.example.com", WEST: "other.example.com"}],
    "manifest": [MANIFEST],
    "metrics": [{"RecoveryTime": 48.8, "LossBound": None}],
    "keys": [{EAST: "alias/orders", WEST: f"arn:aws:kms:{WEST}:{ACCOUNT}:key/0123"}, {}],
    "network_acls": [{EAST: "acl-0123456789abcdef0"}, {}],
    "network_tags": [{EAST: {"vpc": {"Team": "orders"}, "subnets": {}}}, {}],
    "platform_tags": [{"Project": "trading", "Environment": "dev"}],
    "policies": [{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}],
    "obstacles": [{"code": "target_unhealthy", "sentence": "It is ill."}],
    "traffic_problems": [{"code": "switch_closed", "region": WEST, "reason": "It is closed.", "remedy": "Open it."}],
    "other_parameters": [{EAST: "/dev/writer"}, {WEST: "/dev/writer"}, {}],
    "previous": [ENDED_LEASE, {**ENDED_LEASE, "earlier": [ENDED_LEASE]}],
    "variables": [{"region": EAST, "attempt": 1}, {}],
    "record": [{"outcome": "successful", "method": "failover", "steps": [], "ended_at": 5.0}, {"any": ["thing"]}],
    "regions": [entry(EAST), entry(WEST), {"region": EAST}],
    "resources": [{"audit": {region: f"trading-audit-{region}-dev" for region in (EAST, WEST)}}, {}],
    "parameter_groups": [{EAST: "trading-us-east-1-dev", WEST: "trading-us-east-2-dev-aurora-mysql8-4"}, {}],
    "security_groups": [{EAST: "sg-0123456789abcdef0"}, {}],
    "target_group_names": [{EAST: "web-virginia"}, {}],
    "tags": [{"Project": "trading", "Count": 3}],
    "topics": [{region: TOPIC_ARN.format(region) for region in (EAST, WEST)}],
    "units": [{"RecoveryTime": "Seconds"}, {}],
    "vpc_cidrs": [{EAST: "10.0.0.0/16", WEST: "10.1.0.0/16"}, {EAST: "10.0.0.0/16"}],
    "verdicts": [{EAST: VERDICT, WEST: {"verdict": "unknown", "reason": "silence"}}],
}

# Invalid values of options with a pattern, besides those of every text.
CONTROLS = ["\0", "two\nlines", "tab\there"]
NO_REGION = [
    "moon",
    "us east 1",
    "US-EAST-1",
    "us-east-1\n",
    "us-east",
    "arn:aws:s3:::us-east-1",
    "Ω-east-1",
    "x" * 999,
]
NO_ARN = [
    "trading",
    "arn:aws",
    "arn:aws:s3",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:x",
    f"arn:aws-cn:rds:us-east-1:{ACCOUNT}:cluster:x",
    f"arn:aws:sns:moon:{ACCOUNT}:x",
    f"arn:azure:iam::{ACCOUNT}:role/x",
    f"arn:aws:kms:us-east-1:{ACCOUNT}:",
]
NO_HOST = ["two words", "a..b", "-", "x" * 256, f"{'y' * 64}.example.com", "Ω.example", "http://example.com"]
NO_URL = ["example", "ftp://example.com", "http://", "http://[::1", "http://two words", "http://example.com:port"]
NO_PATH = ["health", "/two words", "/Ω", f"/{'x' * 256}"]
NO_NAME = ["x" * 4000, *CONTROLS]
NO_SERVICE = ["orders", "trading/", "a/b/c", "two words/orders", f"trading/{'x' * 256}", *CONTROLS]
BAD_TEXTS = {
    **{name: NO_REGION for name in TEXTS if name in ("region", "removed_regions") or name.endswith("_region")},
    "regions": NO_REGION,
    **{name: NO_ARN for name in TEXTS if name.endswith("_arn")},
    "safety_rules_to_override": NO_ARN,
    "autoscaling_group_name": NO_NAME,
    "ecs_service": NO_SERVICE,
    "service": NO_SERVICE,
    "bucket": ["Data", "ab", "two words", "x" * 64, *CONTROLS],
    "by": NO_NAME,
    "child_health_checks": ["two words", "Ω", "x" * 65],
    "database_name": ["1st", "two words", "x" * 65, "drop-table"],
    "db_cluster_identifier": ["1st", "two words", "x--y", "x-", "x" * 64],
    "dns_servers": ["host:port", "[::1", "\0", "x" * 300],
    "domain": NO_HOST,
    "zone": NO_HOST,
    "endpoint": NO_URL,
    "engine_version": ["two words", "Ω", "x" * 65],
    "fqdn": NO_HOST,
    "global_cluster_identifier": ["1st", "two words", "x--y", "x-", "x" * 64],
    "health_path": NO_PATH,
    "ip_address": ["localhost", "192.0.2", "192.0.2.256", ":::"],
    "metric_namespace": ["two words", ":x", "Ω", "x" * 256],
    "name": NO_NAME,
    "object_key": ["x" * 1025, *CONTROLS],
    "owner": NO_NAME,
    "parameter_name": ["two words", "Ω", "x" * 1012],
    "platform": NO_NAME,
    "prefix": ["x" * 1025, *CONTROLS],
    "probe_path": NO_PATH,
    "probe_proxy": NO_URL,
    "resource_path": NO_PATH,
    "run_id": ["two words", "Ω", "x" * 201, *CONTROLS],
    "rule_id": NO_NAME,
    "search_string": ["x" * 256, *CONTROLS],
    "security_group_id": ["default", "sg-", "sg-xyz", "sg-0123456789abcdef0\n"],
    "step": NO_NAME,
    "table_name": ["t", "two words", "Ωmega", "x" * 256, "arn:aws:dynamodb:us-east-1:1:table/x", *CONTROLS],
    "takeover_run_id": ["two words", "Ω", "x" * 201],
    "reason": ["\0", "x" * 10001],
    "trigger": ["\0", "x" * 10001],
    **dict.fromkeys("secret_name key_alias vpc_name alarm_prefix switch_prefix runner_policy".split(), NO_NAME),
}
# Regions that a plan calls `unknown` may be handed on as such.
BAD_NUMBERS = [
    float("nan"),
    float("inf"),
    float("-inf"),
    -1,
    -0.5,
    10**30,
    "5s",
    "many",
    [1],
    {"a": 1},
    "9" * 30,
    "nan",
]
# The next to the least and the most that some options may hold.
BEYOND = {
    "answer_timeout": [0.0],
    "at_least": [-1],
    "attempt": [0],
    "connect_timeout": [0],
    "consecutive_failures": [0, 1001],
    "deadline": [0],
    "lease_seconds": [9, 3601],
    "limit": [0],
    "max_lag_sample_age": [0],
    "min_healthy_ratio": [1.01],
    "pause_seconds": [0],
    "poll_interval": [0.5],
    "quorum": [1, 1001],
    "retention_in_days": [31],
}
BAD_BOOLS = ["perhaps", 5, [True], {}, "oui"]
BAD_DICTS = {
    "endpoint_groups": [{}, {"moon": f"{ACCELERATOR}/listener/0123/endpoint-group/1"}, {EAST: "group"}],
    "dimensions": [{"": "trading-dev"}, {"Platform": ""}, {"Platform": "two\nlines"}],
    "metrics": [{"RecoveryTime": "soon"}, {"RecoveryTime": 2.0**361}, {"": 5}],
    "units": [{"RecoveryTime": "Hours"}],
    "layer_tags": [{"x" * 129: "y"}, {"": "y"}, {"Team": {"y": 1}}],
    "layer_states": [{"moon": "absent"}, {"session_table": "gone"}, {"global_database": "absent"}, {"network": None}],
    **dict.fromkeys(
        ("load_balancer_names", "target_group_names", "autoscaling_group_names"),
        [{"moon": "web"}, {EAST: ""}, {EAST: "two\nlines"}, {EAST: 5}],
    ),
    "platform_tags": [{"x" * 129: "y"}],
    "keys": [{"moon": "alias/orders"}, {EAST: "orders"}, {EAST: 5}],
    "network_acls": [{EAST: "sg-0123456789abcdef0"}],
    "network_tags": [{"moon": {}}, {EAST: "Team"}, {EAST: {"vpc": "Team"}}, {EAST: {"vpc": {"x" * 129: "y"}}}],
    "security_groups": [{EAST: "open"}, {"moon": "sg-0123456789abcdef0"}],
    "vpc_cidrs": [{"moon": "10.0.0.0/16"}, {EAST: "10.0.0.1/16"}, {EAST: "wide"}, {EAST: None}, {EAST: 7}],
    "attributes": [],
    "body": [{}, {"widgets": "none"}, {"widgets": None}],
    "capacity": [{"moon": 1}, {EAST: "many"}, {EAST: -1}, {EAST: None}],
    "db_cluster_arns": [
        {"moon": CLUSTER_ARN.format(EAST, EAST)},
        {EAST: "trading"},
        {EAST: CLUSTER_ARN.format(WEST, EAST)},
        {EAST: ["x"]},
    ],
    "db_clusters": [{"moon": "x"}, {EAST: "two words"}, {EAST: 5}],
    "environment": [{"HOOK": "a\0b"}, {"HOOK": {}}, {"HOOK": None}],
    "variables": [{"": 1}, {"x" * 256: 1}],
    "layers": [{"two words": []}, {"network": "encryption"}, {"network": ["two words"]}],
    "load_balancers": [{}, {"moon": "one.example"}, {EAST: "two words"}, {EAST: {}}, {EAST: None}],
    "manifest": [
        {"regions": 5},
        {"regions": ["text"]},
        {**MANIFEST, "regions": [{**entry(EAST), "target_group_arn": "x"}, entry(WEST)]},
        {**MANIFEST, "regions": [{**entry(EAST), "capacity": {"desired": "many"}}, entry(WEST)]},
        {**MANIFEST, "global_database": "trading"},
        {**MANIFEST, "traffic": ["s3"]},
        {**MANIFEST, "regions": [{**entry(EAST), "compute_groups": [{"name": "Two Words"}]}, entry(WEST)]},
        {**MANIFEST, "regions": [{**entry(EAST), "region": 5}, entry(WEST)]},
    ],
    "policies": [{}, {"Statement": 5}, {"Statement": ["x"]}],
    "obstacles": [{}, {"code": "x"}, {"code": 5, "sentence": []}],
    "traffic_problems": [{}, {"code": "x"}, {"code": "x", "region": [], "reason": "y", "remedy": "z"}],
    "other_parameters": [{"moon": "/dev/writer"}, {EAST: "a blank"}, {EAST: None}],
    "previous": [{"run_id": "r-0"}, {**ENDED_LEASE, "renewed_at": "noon"}, {**ENDED_LEASE, "earlier": {"a": 1}}],
    "record": [{"ended_at": "noon"}, {"steps": "all"}, {"started_at": float("inf")}],
    "regions": [{}, {"region": "moon"}, {"region": EAST, "target_group_arn": "x"}],
    "resources": [{"moon": {}}, {"audit": {"moon": "x"}}, {"audit": {EAST: ""}}, {"audit": "x"}],
    "parameter_groups": [{"moon": "group"}, {EAST: "-group"}, {EAST: ""}, {EAST: None}, {EAST: 7}],
    "tags": [{"x" * 129: "y"}, {"x": "y" * 257}, {"x": {"y": 1}}],
    "topics": [{"moon": TOPIC_ARN.format(EAST)}, {EAST: "topic"}, {EAST: TOPIC_ARN.format(WEST)}, {EAST: None}],
    "verdicts": [
        {EAST: 5},
        {EAST: {}},
        {EAST: {**VERDICT, "signals": {"database": "ill"}}},
        {EAST: VERDICT, "moon": VERDICT},
    ],
}


def kind(spec: Mapping) -> str:
    """Return the type of an option."""
    return spec.get("type", "str")


def good(name: str, spec: Mapping) -> list[object]:
    """Return values that an option may hold."""
    if "choices" in spec and kind(spec) != "list":
        return list(spec["choices"])
    if kind(spec) == "list":
        element = {**spec, "type": spec["elements"]}
        several = good(name, element)
        return [several[:2], several]
    if kind(spec) == "dict":
        return [example(spec["options"])] if "options" in spec else DICTS[name]
    if kind(spec) == "bool":
        return [True, False, "yes", "no"]
    if kind(spec) in ("int", "float"):
        return NUMBERS.get(name, [5, "7"])
    return TEXTS.get(name, ["r-1", "some-text"])


def example(specs: Mapping[str, Mapping], **given) -> dict[str, object]:
    """Return options with everything that is not left alone by default, at its first good value."""
    return {**{name: good(name, spec)[0] for name, spec in specs.items()}, **given}


def any_good(specs: Mapping[str, Mapping]) -> st.SearchStrategy[dict[str, object]]:
    """Return a strategy for options that are good one by one; whether they go together is another matter."""
    required = {name: st.sampled_from(good(name, spec)) for name, spec in specs.items() if spec.get("required")}
    others = {name: st.sampled_from(good(name, spec)) for name, spec in specs.items() if not spec.get("required")}
    return st.fixed_dictionaries(required, optional=others)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*NO_ARN, *NO_REGION]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def any_at_all(specs: Mapping[str, Mapping]) -> st.SearchStrategy[dict[str, object]]:
    """Return a strategy for options of which up to three hold whatever there is, some of them unknown ones."""
    wild = st.dictionaries(st.sampled_from([*specs, "unheard_of"]), ANYTHING, min_size=1, max_size=3)
    return st.builds(lambda tame, strange: {**tame, **strange}, any_good(specs), wild)


def bad(name: str, spec: Mapping) -> Iterator[object]:
    """Yield values that an option may not hold."""
    if spec.get("choices") and kind(spec) != "list":
        yield from ("teleport", "\0", [], 5)
    elif kind(spec) == "list":
        yield from ({"a": 1}, 5.5) if spec["elements"] != "str" else ({"a": 1},)
        element = {**spec, "type": spec["elements"]}
        yield from ([value] for value in bad(name, element))
        yield from ([], [None], [""]) if spec.get("required") else ()
    elif kind(spec) == "dict":
        yield from ("text", 5, [1])
        if "options" in spec:
            yield from bad_members(name, spec)
        else:
            yield from BAD_DICTS[name]
    elif kind(spec) == "bool":
        yield from BAD_BOOLS
    elif kind(spec) in ("int", "float"):
        yield from (*BAD_NUMBERS, *BEYOND.get(name, ()))
    else:
        yield from BAD_TEXTS.get(name, [])
        yield from [""] if spec.get("required") else []


def bad_members(name: str, spec: Mapping) -> Iterator[dict[str, object]]:
    """Yield dictionaries with one bad member, one missing or one unknown."""
    whole = example(spec["options"])
    yield {**whole, "unheard_of": 1}
    for member, member_spec in spec["options"].items():
        if member_spec.get("required"):
            yield {key: value for key, value in whole.items() if key != member}
        for value in bad(member, member_spec):
            yield {**whole, member: value}
