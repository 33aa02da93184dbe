# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the readers of readiness make of AWS's answers, where the lab gives no such answer."""

from __future__ import annotations

import json

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import readers as facts
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import readers_quotas as quotas
from ansible_collections.trading.multi_region.plugins.module_utils._readiness import readers_shared as shared
from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

EAST = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/path/runner"
POLICY_ARN = "arn:aws:iam::123456789012:policy/runner-policy"
METRIC = {
    "MetricNamespace": "AWS/Usage",
    "MetricName": "ResourceCount",
    "MetricDimensions": {"Class": "Standard/OnDemand", "Resource": "vCPU"},
    "MetricStatisticRecommendation": "Maximum",
}
POLICY = {
    "Statement": [
        {"Sid": "Move", "Effect": "Allow", "Action": "rds:FailoverGlobalCluster", "Resource": ["g", "c"]},
        {
            "Effect": "Allow",
            "Action": ["sns:Publish"],
            "Resource": "*",
            "Condition": {"StringEquals": {"k": ["a", "b"]}},
        },
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
    ]
}


class Aws(FakeAws):
    """Quotas, and the runner's rights."""

    def __init__(self):
        super().__init__()
        self.policies = {POLICY_ARN: POLICY}

    quota = {"Value": 32.0, "UsageMetric": METRIC}
    samples = [8.0, 4.0]
    caller = "arn:aws:sts::123456789012:assumed-role/runner/session"
    templates = {
        "2": {"VersionNumber": 2, "LaunchTemplateData": {"SecurityGroupIds": ["sg-1"]}},
        "3": {
            "VersionNumber": 3,
            "LaunchTemplateData": {"InstanceType": "t3.medium", "MetadataOptions": {"HttpTokens": "required"}},
        },
    }
    groups = [{"Instances": [], "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "3"}}]

    def get_service_quota(self, region, ServiceCode, QuotaCode):
        assert (ServiceCode, QuotaCode) == ("ec2", "L-1216C47A")
        return {"Quota": self.quota}

    def get_metric_data(self, region, MetricDataQueries, **_range):
        (query,) = MetricDataQueries
        assert query["MetricStat"]["Metric"]["Namespace"] == "AWS/Usage"
        return {"MetricDataResults": [{"Id": "used", "Values": self.samples}]}

    def describe_auto_scaling_groups(self, region, AutoScalingGroupNames):
        return {"AutoScalingGroups": self.groups}

    def describe_launch_template_versions(self, region, LaunchTemplateId, Versions):
        assert LaunchTemplateId == "lt-1"
        return {"LaunchTemplateVersions": [self.templates[version] for version in Versions]}

    def describe_instance_types(self, region, InstanceTypes):
        return {"InstanceTypes": [{"InstanceType": name, "VCpuInfo": {"DefaultVCpus": 2}} for name in InstanceTypes]}

    def get_caller_identity(self, region):
        return {"Arn": self.caller}

    def get_role(self, region, RoleName):
        assert RoleName == "runner"
        return {"Role": {"Arn": ROLE}}

    def get_policy(self, region, PolicyArn):
        if PolicyArn not in self.policies:
            raise aws_error("NoSuchEntity")
        return {"Policy": {"DefaultVersionId": "v2"}}

    def get_policy_version(self, region, PolicyArn, VersionId):
        return {"PolicyVersion": {"Document": self.policies[PolicyArn]}}

    def simulate_principal_policy(self, region, PolicySourceArn, ActionNames, ResourceArns, ContextEntries=()):
        assert PolicySourceArn == ROLE
        return {
            "EvaluationResults": [
                {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed"}
                for action in ActionNames
                for resource in ResourceArns
            ]
        }


@pytest.fixture
def aws():
    return Aws()


def quota_of(aws):
    return facts.read_vcpu_quota(aws.clients("service-quotas", EAST), aws.clients("cloudwatch", EAST))


def test_a_quota_is_reported_with_its_newest_use(aws):
    assert quota_of(aws) == {"limit": 32.0, "used": 8.0, "used_error": None}


def test_an_unknown_use_of_a_quota_is_reported_as_such(aws):
    aws.samples = []
    assert quota_of(aws)["used_error"] == "its metric has no sample"
    aws.fail("get_metric_data", aws_error("AccessDenied"))
    found = quota_of(aws)
    assert (found["limit"], found["used"]) == (32.0, None) and "AccessDenied" in found["used_error"]
    aws.quota = {"Value": 32.0}
    assert quota_of(aws)["used_error"] == "Service Quotas has no usage metric for it"


def test_a_group_at_zero_tells_the_type_of_its_launch_template(aws):
    autoscaling, ec2 = aws.clients("autoscaling", EAST), aws.clients("ec2", EAST)
    assert facts.read_instance_types(autoscaling, ec2, "asg") == {"t3.medium": 2}
    aws.groups = [{"Instances": [{"InstanceType": "c7g.large"}]}]
    assert facts.read_instance_types(autoscaling, ec2, "asg") == {"c7g.large": 2}
    aws.groups = []
    with pytest.raises(MultiRegionError, match="asg does not exist"):
        facts.read_instance_types(autoscaling, ec2, "asg")


def test_the_types_of_every_auto_scaling_group_are_read_and_those_of_no_service(aws):
    entry = {
        "region": EAST,
        "autoscaling_group_name": "asg",
        "compute_groups": [
            {"name": "gateway", "compute": "ecs", "ecs_service": "trading/gateway"},
            {"name": "matching", "autoscaling_group_name": "engines"},
        ],
    }
    readers = facts.regional_readers(aws.clients, entry, "control", {}, [EAST])
    assert {name for name in readers if name.startswith("instance_types")} == {
        "instance_types",
        "instance_types_matching",
    }
    aws.groups = []
    with pytest.raises(MultiRegionError, match="engines does not exist"):
        readers["instance_types_matching"]()


def test_launch_templates_are_those_of_instances_to_come_and_of_instances_there(aws):
    autoscaling, ec2 = aws.clients("autoscaling", EAST), aws.clients("ec2", EAST)
    old = {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}}
    aws.groups = [{**Aws.groups[0], "Instances": [old, old, {"InstanceType": "t3.medium"}]}]
    assert facts.read_launch_templates(autoscaling, ec2, "asg") == {
        "lt-1 version 2": {"http_tokens": None, "security_group_ids": ["sg-1"]},
        "lt-1 version 3": {"http_tokens": "required", "security_group_ids": []},
    }
    aws.groups = [{"Instances": []}]
    with pytest.raises(MultiRegionError, match="asg has no launch template"):
        facts.read_launch_templates(autoscaling, ec2, "asg")


def test_each_statement_that_allows_is_simulated_with_its_condition_met():
    assert list(shared.requests_of(POLICY["Statement"])) == [
        ("Move", {"ActionNames": ["rds:FailoverGlobalCluster"], "ResourceArns": ["g", "c"]}),
        (
            "statement 2",
            {
                "ActionNames": ["sns:Publish"],
                "ResourceArns": ["*"],
                "ContextEntries": [{"ContextKeyName": "k", "ContextKeyValues": ["a"], "ContextKeyType": "string"}],
            },
        ),
    ]


def test_decisions_are_reported_by_resource():
    single = [{"EvalResourceName": "a", "EvalResourceDecision": "allowed"}]
    result = {"EvalResourceName": "*", "EvalDecision": "implicitDeny"}
    assert shared.decisions_of(result) == {"*": "implicitDeny"}
    assert shared.decisions_of({**result, "ResourceSpecificResults": single}) == {"a": "allowed"}
    denied = {**result, "EvalDecision": "allowed", "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
    assert shared.decisions_of(denied) == {"*": "denied by the organization"}


def permissions(aws, **expected):
    entry = {"region": EAST, "db_cluster_arn": "arn:aws:rds:us-east-1:123456789012:cluster:trading"}
    return shared.read_permissions(aws.clients, {"regions": [entry]}, {"runner_policy": "runner-policy", **expected})


def test_a_session_is_simulated_as_its_role_with_the_roles_path(aws):
    found = permissions(aws)
    assert (found["principal"], found["errors"]) == (ROLE, {})
    assert [(one["action"], one["decisions"]) for one in found["simulated"]] == [
        ("rds:FailoverGlobalCluster", {"g": "allowed", "c": "allowed"}),
        ("sns:Publish", {"*": "allowed"}),
    ]


def test_a_policy_in_several_parts_is_simulated_as_a_whole(aws):
    more = {"Sid": "More", "Effect": "Allow", "Action": "rds:DescribeEvents", "Resource": "*"}
    aws.policies[f"{POLICY_ARN}-2"] = {"Statement": more}
    assert [one["sid"] for one in permissions(aws)["simulated"]] == ["Move", "statement 2", "More"]


def test_a_policy_that_is_not_there_is_an_error(aws):
    aws.policies.clear()
    with pytest.raises(MultiRegionError, match="NoSuchEntity"):
        permissions(aws)


def test_another_runner_may_be_named(aws):
    assert permissions(aws, runner_arn=ROLE)["principal"] == ROLE
    assert not [call for call in aws.calls if call[0] == "sts"]


def test_the_root_user_and_a_missing_policy_name_are_reported(aws):
    with pytest.raises(MultiRegionError, match="runner_policy is not given"):
        permissions(aws, runner_policy=None)
    aws.caller = "arn:aws:iam::123456789012:root"
    with pytest.raises(MultiRegionError, match="root user"):
        permissions(aws)


def test_the_first_denied_simulation_ends_it_and_a_later_one_does_not(aws):
    aws.fail("simulate_principal_policy", aws_error("AccessDenied"))
    found = permissions(aws)
    assert (list(found["errors"]), found["simulated"]) == (["Move"], [])
    aws.fail("simulate_principal_policy", None, aws_error("Throttling"))
    found = permissions(aws)
    assert (list(found["errors"]), len(found["simulated"])) == (["statement 2"], 1)


def test_a_policy_document_may_come_as_text(aws):
    class Texts(Aws):
        def get_policy_version(self, region, PolicyArn, VersionId):
            return {"PolicyVersion": {"Document": json.dumps(POLICY).replace(" ", "%20")}}

    assert shared.get_policy_document(Texts().clients("iam", EAST), "arn", "v1") == POLICY


class Account(FakeAws):
    """Quotas and regions of an account; ``silent`` regions do not answer."""

    silent = ()

    def get_service_quota(self, region, ServiceCode, QuotaCode):
        return {"Quota": {"Value": {"L-0263D0A3": 5.0, "L-F678F1CE": 6.0}[QuotaCode]}}

    def describe_addresses(self, region):
        return {"Addresses": [{}, {}]}

    def describe_vpcs(self, region):
        return {"Vpcs": [{}]}

    def get_account_limit(self, region, Type):
        return {"Limit": {"Type": Type, "Value": 200}, "Count": 9}

    def describe_regions(self, region, AllRegions):
        if region in self.silent:
            raise aws_error("AuthFailure", status=401)
        return {"Regions": [{"RegionName": EAST, "OptInStatus": "opt-in-not-required"}]}


def test_quotas_are_read_with_what_is_used_of_them():
    aws = Account()
    clients = aws.clients("service-quotas", EAST), aws.clients("ec2", EAST)
    assert quotas.read_elastic_ip_quota(*clients) == {"limit": 5.0, "used": 2}
    assert quotas.read_vpc_quota(*clients) == {"limit": 6.0, "used": 1}
    assert quotas.read_health_check_quota(aws.clients("route53", EAST)) == {"limit": 200, "used": 9}


def test_which_regions_are_enabled_is_asked_of_one_that_responds():
    aws = Account()
    aws.silent = ("me-south-1",)
    assert quotas.read_opt_in(aws.clients, ["me-south-1", EAST]) == {EAST: "opt-in-not-required"}
    with pytest.raises(MultiRegionError, match="AuthFailure"):
        quotas.read_opt_in(aws.clients, ["me-south-1"])


# --- the hosted zone -------------------------------------------------------------------------------------------------


class Zones:
    """Hosted zones by name, as ListHostedZonesByName returns them: from a name on, in the order of their labels."""

    def __init__(self, *zones):
        self.zones = [
            {"Id": ident, "Name": f"{name}.", "Config": {"PrivateZone": private}} for ident, name, private in zones
        ]

    def list_hosted_zones_by_name(self, DNSName):
        def order(name):
            return name.rstrip(".").split(".")[::-1]

        listed = sorted(self.zones, key=lambda zone: order(zone["Name"]))
        return {"HostedZones": [zone for zone in listed if order(zone["Name"]) >= order(DNSName)]}


PARENT, OWN = ("parent", "example.com", False), ("own", "trade.example.com", False)
PRIVATE = ("private", "example.com", True)
OTHER = ("other", "notexample.com", False)


@pytest.mark.parametrize(
    ("zones", "is_private", "found"),
    [
        ([PARENT], False, "parent"),
        ([PARENT, OWN], False, "own"),
        ([PRIVATE, PARENT], False, "parent"),
        ([PRIVATE, OWN], True, "private"),
        ([PARENT, OWN], True, None),
        ([OTHER], False, None),
        ([], False, None),
    ],
)
def test_the_records_are_looked_for_in_the_most_specific_zone_of_their_kind(zones, is_private, found):
    assert shared.find_zone_of(Zones(*zones), "trade.example.com", is_private) == found
