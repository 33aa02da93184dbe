# SPDX-License-Identifier: GPL-3.0-or-later
"""Workarounds for moto bugs, one function each; each states the bug and the AWS behaviour it restores.

Every patch has a test in tests/lab/test_patches.py that shows the bug in stock moto, so that a patch is removed when
moto fixes the bug. Whole features that moto lacks are in lab/services/.
"""

from __future__ import annotations

import copy
import ipaddress
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import moto.ec2.urls
import moto.ec2.utils
import moto.rds.utils
from moto.autoscaling.models import FakeScalingPolicy, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.awslambda.models import LambdaBackend
from moto.cloudtrail.models import CloudTrailBackend
from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound, InvalidPermissionNotFoundError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, MetadataOptions
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpc_peering_connections import VPCPeeringConnection
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses import EC2Response
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.vpc_peering_connections import VPCPeeringConnections
from moto.ec2.utils import parse_user_data
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.s3.models import FakeBucket, s3_backends
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    ResourceExistsException,
    SecretNotFoundException,
)
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend
from moto.secretsmanager.responses import SecretsManagerResponse

DAY_S = 86400
LOAD_BALANCER_DEFAULTS = {
    "access_logs.s3.enabled": "false",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "health_check_logs.s3.bucket": "",
    "health_check_logs.s3.enabled": "false",
    "health_check_logs.s3.prefix": "",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
TARGET_GROUP_DEFAULTS = {
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}


def nat_gateway_resource_type() -> None:
    """moto tags NAT gateways as resource type `nat-gateway`; EC2's is `natgateway` (enum ResourceType of botocore).

    A module that looks its gateway up by tags and resource type finds none and makes another.
    """
    moto.ec2.utils.EC2_PREFIX_TO_RESOURCE["nat"] = "natgateway"


def cidr_blocks_are_canonical() -> None:
    """moto keeps the CIDR block of a VPC or a subnet as it was given; EC2 modifies 100.68.0.18/18 to 100.68.0.0/18.

    "We modify the specified CIDR block to its canonical form" (EC2 API reference, CreateVpc and CreateSubnet).
    """
    stock_vpc, stock_subnet = VPCBackend.create_vpc, SubnetBackend.create_subnet

    def canonical(block: str) -> str:
        try:
            return str(ipaddress.ip_network(block, strict=False))
        except ValueError:  # moto has the refusal
            return block

    def create_vpc(self: VPCBackend, cidr_block: str, *args: Any, **kwargs: Any) -> Any:
        return stock_vpc(self, canonical(cidr_block), *args, **kwargs)

    def create_subnet(self: SubnetBackend, vpc_id: str, cidr_block: str, *args: Any, **kwargs: Any) -> Any:
        return stock_subnet(self, vpc_id, canonical(cidr_block), *args, **kwargs)

    VPCBackend.create_vpc, SubnetBackend.create_subnet = create_vpc, create_subnet


class _LaunchTemplates(EC2Response):
    def create_launch_template(self) -> ActionResult:
        """See launch_template_tags."""
        data = self._get_param("LaunchTemplateData", {})
        wanted = list(data.get("TagSpecifications") or [])
        result = super().create_launch_template()
        template = self.ec2_backend.get_launch_template(result.result["LaunchTemplate"]["LaunchTemplateId"])
        version = template.default_version()
        if wanted:
            version.data["TagSpecifications"] = wanted
        else:
            version.data.pop("TagSpecifications", None)
        return result

    def create_launch_template_version(self) -> ActionResult:
        """See launch_template_version_user_data."""
        data = self._get_param("LaunchTemplateData", {})
        if data.get("UserData") is not None:
            data["UserData"] = parse_user_data(data["UserData"])
        return super().create_launch_template_version()

    def delete_launch_template_versions(self) -> ActionResult:
        """See launch_template_versions_can_be_deleted."""
        identifier = self._get_param("LaunchTemplateId")
        if identifier is None:
            identifier = self.ec2_backend.launch_template_name_to_ids.get(self._get_param("LaunchTemplateName"))
        template = self.ec2_backend.get_launch_template(identifier)
        deleted, refused = [], []
        for number in map(int, self._get_param("Versions", []) or self._get_param("LaunchTemplateVersion", [])):
            shown = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": number}
            found = [one for one in template.versions if one.number == number]
            if found and not template.is_default(found[0]):
                template.versions.remove(found[0])
                deleted.append(shown)
            else:
                code = "launchTemplateVersionCannotBeDeleted" if found else "launchTemplateVersionDoesNotExist"
                refused.append({**shown, "ResponseError": {"Code": code, "Message": f"Version {number}: {code}"}})
        return ActionResult(
            {
                "SuccessfullyDeletedLaunchTemplateVersions": deleted,
                "UnsuccessfullyDeletedLaunchTemplateVersions": refused,
            }
        )


def launch_template_tags() -> None:
    """moto copies the tags of a new launch template itself into its data, as if instances were to get them.

    The API keeps them apart: CreateLaunchTemplate's TagSpecifications tag the template, LaunchTemplateData's tag what
    it launches (API reference CreateLaunchTemplate). A client that compares the two always sees a change.
    """
    moto.ec2.urls.url_paths["{0}/"] = _LaunchTemplates.dispatch


def launch_template_version_user_data() -> None:
    """moto decodes UserData of a template's first version only, and fails an assertion when it launches a later one.

    UserData has one form in both operations (shape RequestLaunchTemplateData of botocore's ec2 model).
    """
    moto.ec2.urls.url_paths["{0}/"] = _LaunchTemplates.dispatch


def launch_template_versions_can_be_deleted() -> None:
    """moto lacks DeleteLaunchTemplateVersions, and finds a version by its place.

    "You can't delete the default version" and "after you delete a version, you can't reuse" its number (API reference
    DeleteLaunchTemplateVersions; EC2 User Guide, "Delete a launch template or a launch template version").
    """
    moto.ec2.urls.url_paths["{0}/"] = _LaunchTemplates.dispatch
    stock_create, stock_get = LaunchTemplate.create_version, LaunchTemplate.get_version

    def create_version(self: LaunchTemplate, data: dict[str, Any], description: str) -> Any:
        version = stock_create(self, data, description)
        version.number = self.lab_versions_made = getattr(self, "lab_versions_made", 0) + 1
        return version

    def get_version(self: LaunchTemplate, num: Any) -> Any:
        if str(num).startswith("$"):
            return stock_get(self, num)
        found = [one for one in self.versions if str(one.number) == str(num)]
        if not found:
            raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=num)
        return found[0]

    def default_version(self: LaunchTemplate) -> Any:
        return get_version(self, self.default_version_number)

    LaunchTemplate.create_version, LaunchTemplate.get_version = create_version, get_version
    LaunchTemplate.default_version = default_version


def launch_template_tags_follow() -> None:
    """moto shows a launch template's tags of the moment of creation; CreateTags and DeleteTags change nothing.

    `Tags` are "The tags for the launch template" (shape LaunchTemplate), that is, those it has.
    """

    def tags(self: LaunchTemplate) -> Any:
        return self.get_tags()

    def ignore(self: LaunchTemplate, value: Any) -> None:
        """The constructor's snapshot."""

    LaunchTemplate.tags = property(tags, ignore)


def instance_launch_template_version() -> None:
    """moto shows the template's default version for every instance of an Auto Scaling group.

    An instance keeps the version it was launched from (API reference autoscaling Instance, LaunchTemplate).
    """
    new_state = InstanceState.__init__

    def remember(self: InstanceState, *args: Any, **kwargs: Any) -> None:
        new_state(self, *args, **kwargs)
        group = self.auto_scaling_group
        template = group.ec2_launch_template if group is not None else None
        self.lab_version = str(template.get_version(group.launch_template_version).number) if template else None

    def launch_template(self: InstanceState) -> dict[str, Any] | None:
        template = self.auto_scaling_group.ec2_launch_template
        if template is None:
            return None
        version = self.lab_version or str(template.default_version_number)
        return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": version}

    InstanceState.__init__ = remember
    InstanceState.launch_template = property(launch_template)


def instance_metadata_options() -> None:
    """moto gives every instance the default metadata options, whatever its launch template says.

    A parameter that the request leaves out comes from the template (EC2 API reference RunInstances, LaunchTemplate).
    """
    new_instance = Instance.__init__

    def of_the_template(self: Instance, ec2_backend: Any, *args: Any, **kwargs: Any) -> None:
        new_instance(self, ec2_backend, *args, **kwargs)
        if kwargs.get("launch_template") and not kwargs.get("metadata_options"):
            template = ec2_backend._get_template_from_args(kwargs["launch_template"])
            self.metadata_options = MetadataOptions(template.data.get("MetadataOptions"))

    Instance.__init__ = of_the_template


def load_balancer_attributes() -> None:
    """moto leaves most attributes out until they are set, idle_timeout among them.

    DescribeLoadBalancerAttributes lists them all with their defaults ("Load balancer attributes", User Guide for
    Application Load Balancers), and clients read them before they set them.
    """
    new_load_balancer = FakeLoadBalancer.__init__

    def complete(self: FakeLoadBalancer, *args: Any, **kwargs: Any) -> None:
        new_load_balancer(self, *args, **kwargs)
        if self.type == "application":
            self.attrs |= LOAD_BALANCER_DEFAULTS
            self.attrs["ipv6.deny_all_igw_traffic"] = str(self.scheme == "internal").lower()

    FakeLoadBalancer.__init__ = complete


def target_group_attributes() -> None:
    """The same for target groups ("Target group attributes", User Guide for Application Load Balancers).

    `waf.fail_open.enabled` is an attribute of load balancers only (API reference TargetGroupAttribute).
    """
    new_target_group = FakeTargetGroup.__init__

    def complete(self: FakeTargetGroup, *args: Any, **kwargs: Any) -> None:
        new_target_group(self, *args, **kwargs)
        if self.protocol in ("HTTP", "HTTPS"):
            self.attributes |= TARGET_GROUP_DEFAULTS
        self.attributes.pop("waf.fail_open.enabled", None)

    FakeTargetGroup.__init__ = complete


def table_id() -> None:
    """moto leaves TableId out; it is the "Unique identifier for the table" (shape TableDescription)."""
    stock_describe = Table.describe

    def describe(self: Table, base_key: str = "TableDescription") -> dict[str, Any]:
        shown = stock_describe(self, base_key)
        shown[base_key]["TableId"] = vars(self).setdefault("lab_table_id", str(uuid4()))
        return shown

    Table.describe = describe


def table_tags_overwrite() -> None:
    """moto appends a tag to a table whose key is there already; keys are unique (API reference, TagResource)."""
    stock_tag = DynamoDBBackend.tag_resource

    def tag_resource(self: DynamoDBBackend, arn: str, tags: dict[str, str]) -> None:
        self.untag_resource(arn, list(tags))
        stock_tag(self, arn, tags)

    DynamoDBBackend.tag_resource = tag_resource


def bucket_policy_conditions() -> None:
    """moto applies a bucket policy's statements whatever their Condition says, so "deny what is not TLS" denies all.

    A statement applies only where its condition holds (IAM User Guide, "IAM JSON policy elements: Condition"). Loopback
    HTTP stands for AWS's TLS endpoints. Other conditions are not computed: a statement that has one is left out.
    """
    stock_permission = FakeBucket.get_permission

    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        if self.policy is None:
            return stock_permission(self, action, resource)
        policy = json.loads(self.policy)
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        unconditional = [statement for statement in statements if not statement.get("Condition")]
        if not unconditional:
            return PermissionResult.NEUTRAL
        policy = IAMPolicy(json.dumps({**policy, "Statement": unconditional}))
        return policy.is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission


def peering_filters() -> None:
    """moto answers DescribeVpcPeeringConnections with every peering, whatever its Filters (EC2 API reference) say.

    With three regions a module that looks for one peering of a VPC then finds another.
    """
    stock_value = VPCPeeringConnection.get_filter_value
    stock_describe = VPCPeeringConnections.describe_vpc_peering_connections
    values = {
        "vpc-peering-connection-id": lambda peering: peering.id,
        "requester-vpc-info.vpc-id": lambda peering: peering.vpc.id,
        "accepter-vpc-info.vpc-id": lambda peering: peering.peer_vpc.id,
        "status-code": lambda peering: peering._status.code,
    }

    def get_filter_value(self: VPCPeeringConnection, filter_name: str, method_name: str | None = None) -> Any:
        return values[filter_name](self) if filter_name in values else stock_value(self, filter_name, method_name)

    def describe(self: VPCPeeringConnections) -> ActionResult:
        found = stock_describe(self).result["VpcPeeringConnections"]
        filters = self._filters_from_querystring()
        return ActionResult({"VpcPeeringConnections": moto.ec2.utils.generic_filter(filters, found)})

    VPCPeeringConnection.get_filter_value = get_filter_value
    VPCPeeringConnections.describe_vpc_peering_connections = describe


def security_group_rules_without_descriptions() -> None:
    """moto takes the description of a source group for a part of the rule: it revokes none without it, and adds twins.

    "If the security group rule has a description, you do not need to specify the description to revoke the rule" (EC2
    API reference RevokeSecurityGroupIngress).
    """

    def identity(rule: SecurityGroupRule) -> tuple[Any, ...]:
        source = (rule.cidr_ipv4, rule.cidr_ipv6, rule.source_group.get("GroupId"), rule.prefix_list_id)
        return (rule.ip_protocol, rule.from_port, rule.to_port, *source)

    SecurityGroupRule.__eq__ = lambda self, other: identity(self) == identity(other)


def security_group_revokes_all_or_none() -> None:
    """moto revokes the rules before one that is not there; then "no rules are revoked" (the same page)."""
    for side in ("ingress", "egress"):
        stock = getattr(SecurityGroups, f"revoke_security_group_{side}")

        def revoke(self: SecurityGroups, _stock: Any = stock, _rules: str = f"{side}_rules") -> ActionResult:
            name = self._get_param("GroupName") or self._get_param("GroupId")
            group = self.ec2_backend.get_security_group_by_name_or_id(name)
            before = list(getattr(group, _rules, []))
            try:
                return _stock(self)
            except InvalidPermissionNotFoundError:
                setattr(group, _rules, before)
                raise

        setattr(SecurityGroups, f"revoke_security_group_{side}", revoke)


def windows_may_touch() -> None:
    """moto takes a maintenance window that begins when the backup window ends for one that overlaps it.

    The windows "can't overlap" (API reference ModifyDBInstance, PreferredMaintenanceWindow); of these two no minute is
    shared.
    """
    stock = moto.rds.utils.get_overlap_between_two_date_ranges
    moto.rds.utils.get_overlap_between_two_date_ranges = lambda *ranges: stock(*ranges) or -1


def key_operations_by_arn() -> None:
    """moto knows the key of these operations by its id alone; KeyId may also be the ARN (KMS API reference)."""
    for operation in ("schedule_key_deletion", "cancel_key_deletion", "enable_key", "disable_key"):
        stock = getattr(KmsBackend, operation)

        def by_id(self: KmsBackend, key_id: str, *rest: Any, _stock: Any = stock, **named: Any) -> Any:
            return _stock(self, key_id.rpartition("/")[2], *rest, **named)

        setattr(KmsBackend, operation, by_id)


def secret_replica_key() -> None:
    """moto drops KmsKeyId of AddReplicaRegions; it is the key that encrypts the replica (shape ReplicaRegionType)."""
    stock_create = FakeSecret.create_replicas

    def create_replicas(self: FakeSecret, replica_regions: list[dict[str, str]], force_overwrite: bool) -> Any:
        made = stock_create(self, replica_regions, force_overwrite)
        for replica, asked in zip(made, replica_regions or [], strict=True):
            if asked.get("KmsKeyId"):
                replica.config["KmsKeyId"] = asked["KmsKeyId"]
        return made

    FakeSecret.create_replicas = create_replicas


def secret_has_one_replica_in_a_region() -> None:
    """moto gives a region a second replica of the same secret.

    ReplicationStatus has one entry for each region (shape ReplicationStatusType). What AWS answers to a second request
    is not documented; the lab refuses it, so that no caller relies on a repetition.
    """
    stock_replicate = SecretsManagerBackend.replicate_secret_to_regions

    def replicate(self: SecretsManagerBackend, secret_id: str, replica_regions: Any, force_overwrite: bool) -> Any:
        secret = self.describe_secret(secret_id)
        there = {replica.region for replica in getattr(secret, "replicas", ())}
        for asked in replica_regions:
            if asked["Region"] in there:
                raise InvalidParameterException(f"The secret already has a replica in {asked['Region']}.")
        return stock_replicate(self, secret_id, replica_regions, force_overwrite)

    SecretsManagerBackend.replicate_secret_to_regions = replicate


def secret_replica_can_be_promoted() -> None:
    """moto lacks StopReplicationToReplica.

    It "promotes the replica to a primary secret in the replica Region", in which it is called; the ARN is "the same as
    the original primary secret except the Region" (Secrets Manager API reference). For a secret that is no replica the
    reference lists InvalidRequestException.
    """

    def promote(self: SecretsManagerBackend, secret_id: str) -> str:
        replica = self.secrets.get(secret_id)
        if replica is None:
            raise SecretNotFoundException
        if not isinstance(replica, ReplicaSecret):
            raise InvalidRequestException("You can't stop the replication to a secret that is not a replica.")
        secret = copy.copy(replica.source)
        secret.region, secret.arn, secret.replicas = replica.region, replica.arn, []
        secret.versions, secret.tags = copy.deepcopy(secret.versions), copy.deepcopy(secret.tags)
        secret.kms_key_id = replica.config["KmsKeyId"]
        replica.source.replicas.remove(replica)
        dict.pop(self.secrets, replica.arn)
        self.secrets[secret.name] = secret
        return secret.arn

    def answer(self: SecretsManagerResponse) -> str:
        return json.dumps({"ARN": self.backend.stop_replication_to_replica(self._get_param("SecretId"))})

    SecretsManagerBackend.stop_replication_to_replica = promote
    SecretsManagerResponse.stop_replication_to_replica = answer


def secret_label_is_at_one_version() -> None:
    """moto lets UpdateSecretVersionStage give a label to a second version, and lets a replica's labels be changed.

    "If the label is attached and you either do not specify this parameter [RemoveFromVersionId], or the version ID does
    not match, then the operation fails" (Secrets Manager API reference); a replica cannot be updated ("Promote a
    replica secret to a standalone secret", AWS Secrets Manager User Guide).
    """
    stock_update = SecretsManagerBackend.update_secret_version_stage

    def update(self: SecretsManagerBackend, **asked: Any) -> Any:
        secret, label = self.secrets.get(asked["secret_id"]), asked["version_stage"]
        if isinstance(secret, ReplicaSecret):
            raise OperationNotPermittedOnReplica
        named = (asked["move_to_version_id"], asked["remove_from_version_id"])
        for version, held in (secret.versions if secret and named[0] else {}).items():
            if label in held["version_stages"] and version not in named:
                # The text: moto's tests that are verified against AWS.
                raise InvalidParameterException(
                    f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to "
                    f"version {version}, so you must explicitly reference that version in RemoveFromVersionId."
                )
        return stock_update(self, **asked)

    SecretsManagerBackend.update_secret_version_stage = update


def secret_current_follows_its_label() -> None:
    """moto goes on giving the old version when UpdateSecretVersionStage has moved AWSCURRENT.

    Without VersionId and VersionStage, GetSecretValue "returns the AWSCURRENT version" (API reference).
    """

    def current(self: FakeSecret) -> str | None:
        labelled = (version for version, held in self.versions.items() if "AWSCURRENT" in held["version_stages"])
        return next(labelled, self.lab_default_version)

    def remember(self: FakeSecret, version: str | None) -> None:
        self.lab_default_version = version

    FakeSecret.default_version_id = property(current, remember)


def secret_version_is_final() -> None:
    """moto lets PutSecretValue overwrite the value of a version that is labelled AWSPENDING.

    "If the secret data is different, then the operation fails because you can't modify an existing version" (API
    reference PutSecretValue). A version that RotateSecret left empty may be filled.
    """
    stock_put = SecretsManagerBackend.put_secret_value

    def put(self: SecretsManagerBackend, **asked: Any) -> str:
        secret = self.secrets.get(asked["secret_id"])
        held = secret.versions.get(asked["client_request_token"], {}) if isinstance(secret, FakeSecret) else {}
        if "secret_string" in held or "secret_binary" in held:
            if any(held.get(name) != asked[name] for name in ("secret_string", "secret_binary")):
                # The text: moto's tests that are verified against AWS.
                raise ResourceExistsException(
                    f"You can't use ClientRequestToken {asked['client_request_token']} because that value is already "
                    f"in use for a version of secret {secret.arn}."
                )
            return secret.to_short_dict(include_version_stages=True, version_id=held["version_id"])
        return stock_put(self, **asked)

    SecretsManagerBackend.put_secret_value = put


def secret_rotation_needs_a_function() -> None:
    """moto rotates a secret that has no rotation function, and to run one it needs Docker, which the lab does not.

    RotateSecret fails with InvalidRequestException for such a secret (Secrets Manager API reference). The lab keeps the
    rotation's configuration and runs no function, so the versions are as they would be after a function that failed.
    What another service manages, such as RDS a master user's secret, it rotates without one ("Managed rotation for AWS
    Secrets Manager secrets").
    """
    stock_rotate = SecretsManagerBackend.rotate_secret

    def rotate(self: SecretsManagerBackend, secret_id: str, **asked: Any) -> str:
        secret = self.describe_secret(secret_id)
        if isinstance(secret, ReplicaSecret):
            raise OperationNotPermittedOnReplica
        if secret.is_deleted():
            raise InvalidRequestException("You can't perform this operation on a secret marked for deletion.")
        if secret.owning_service:
            return stock_rotate(self, secret_id, **asked)
        function = asked.get("rotation_lambda_arn") or secret.rotation_lambda_arn
        if not function:
            raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
        days = (asked.get("rotation_rules") or {}).get("AutomaticallyAfterDays")
        if days is not None and not 1 <= days <= 1000:
            raise InvalidParameterException("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
        secret.rotation_requested = secret.rotation_enabled = True
        secret.rotation_lambda_arn = function
        secret.auto_rotate_after_days = days or secret.auto_rotate_after_days
        return secret.to_short_dict()

    SecretsManagerBackend.rotate_secret = rotate


def trail_is_deleted_by_arn() -> None:
    """moto deletes no trail that is named by its ARN, and says nothing.

    Name is "the name or the CloudTrail ARN of the trail to be deleted" (CloudTrail API reference DeleteTrail).
    """
    stock_delete = CloudTrailBackend.delete_trail

    def delete_trail(self: CloudTrailBackend, name: str) -> None:
        stock_delete(self, self.get_trail(name).trail_name)

    CloudTrailBackend.delete_trail = delete_trail


def mappings_by_function_arn() -> None:
    """moto lists no event source mappings of a function that is named by its ARN.

    FunctionName is "the name or ARN of the Lambda function" (Lambda API reference ListEventSourceMappings).
    """
    stock_list = LambdaBackend.list_event_source_mappings

    def list_event_source_mappings(self: LambdaBackend, event_source_arn: str, function_name: str) -> list[Any]:
        found = stock_list(self, event_source_arn, "")
        return [one for one in found if not function_name or function_name in (one.function_name, one.function_arn)]

    LambdaBackend.list_event_source_mappings = list_event_source_mappings


def policies_show_alarms() -> None:
    """moto leaves Alarms and Enabled of a scaling policy out, which AWS always shows (tests/truth/recorded.json).

    "Indicates whether the policy is enabled" (API reference ScalingPolicy). The lab's target tracking has no alarms in
    CloudWatch, so the list is empty.
    """
    stock_put = AutoScalingResponse.put_scaling_policy

    def put_scaling_policy(self: AutoScalingResponse) -> ActionResult:
        result = stock_put(self)
        policies = self.autoscaling_backend.describe_policies(policy_names=[self._get_param("PolicyName")])
        for policy in policies:
            policy.enabled = self._get_bool_param("Enabled", True)
        return result

    AutoScalingResponse.put_scaling_policy = put_scaling_policy
    FakeScalingPolicy.enabled, FakeScalingPolicy.alarms = True, []


def route_tables_show_gateways() -> None:
    """moto leaves PropagatingVgws out, which AWS always shows (tests/truth/recorded.json)."""
    RouteTable.propagating_vgws = []


def private_interfaces_have_no_association() -> None:
    """moto shows an empty Association of an interface without a public address.

    Association is that of "an Elastic IP address (IPv4) or public address" (API reference
    InstanceNetworkInterfaceAssociation); AWS's always have the address (tests/truth/recorded.json).
    """
    stock = NetworkInterface.association.fget
    NetworkInterface.association = property(lambda interface: stock(interface) or None)


def unused_managed_keys_have_no_target() -> None:
    """moto lists the aliases of AWS's keys with a target that DescribeKey does not find.

    Aliases without TargetKeyId "are predefined aliases that AWS has created but has not yet associated with a KMS key"
    (KMS API reference ListAliases).
    """
    stock_list = KmsResponse.list_aliases

    def list_aliases(self: KmsResponse) -> str:
        shown = json.loads(stock_list(self))
        for alias in shown["Aliases"]:
            if alias["TargetKeyId"] not in self.kms_backend.keys:
                del alias["TargetKeyId"]
        return json.dumps(shown)

    KmsResponse.list_aliases = list_aliases


def keys_have_a_usage() -> None:
    """moto shows a key without KeyUsage if it was created without one.

    The parameter's "default value is ENCRYPT_DECRYPT" (KMS API reference CreateKey).
    """
    stock_create = KmsBackend.create_key

    def create_key(self: KmsBackend, policy: str | None, key_usage: str | None, *args: Any, **named: Any) -> Any:
        return stock_create(self, policy, key_usage or "ENCRYPT_DECRYPT", *args, **named)

    KmsBackend.create_key = create_key


def secret_versions_show_their_keys() -> None:
    """moto lists a secret's versions under its name in place of its ARN, all created and accessed now, without a key.

    KmsKeyIds are "the KMS keys used to encrypt the secret version", DefaultEncryptionKey for the account's own (Secrets
    Manager API reference SecretVersionsListEntry; tests/truth/recorded.json).
    """

    def list_secret_version_ids(self: SecretsManagerBackend, secret_id: str) -> str:
        secret = self.secrets[secret_id]
        key = secret.kms_key_id if isinstance(secret, FakeSecret) else secret.config["KmsKeyId"]
        named = key if key and key != self.DEFAULT_KMS_KEY_ALIAS else "DefaultEncryptionKey"
        versions = [
            {
                "CreatedDate": held["createdate"],
                "KmsKeyIds": [named],
                "VersionId": version,
                "VersionStages": held["version_stages"],
                **({"LastAccessedDate": held["lab_accessed"]} if "lab_accessed" in held else {}),
            }
            for version, held in secret.versions.items()
        ]
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": versions})

    SecretsManagerBackend.list_secret_version_ids = list_secret_version_ids


def secret_shows_when_it_was_read() -> None:
    """moto shows no LastAccessedDate of a secret.

    It is the day on which the secret was last retrieved in the Region, without a time, and "omitted if the secret has
    never been retrieved in the Region" (Secrets Manager API reference DescribeSecret, ReplicationStatusType).
    """
    stock_get = SecretsManagerBackend.get_secret_value

    def get_secret_value(self: SecretsManagerBackend, secret_id: str, *args: Any, **named: Any) -> dict[str, Any]:
        found = stock_get(self, secret_id, *args, **named)
        secret, today = self.secrets[secret_id], int(time.time()) // DAY_S * DAY_S
        secret.versions[found["VersionId"]]["lab_accessed"] = secret.lab_accessed = today
        if isinstance(secret, ReplicaSecret):
            secret.config["LastAccessedDate"] = today
        return found

    def with_date(stock: Any) -> Any:
        def to_dict(self: Any) -> dict[str, Any]:
            shown = stock(self)
            shown["LastAccessedDate"] = getattr(self, "lab_accessed", None)
            return {name: value for name, value in shown.items() if value is not None}

        return to_dict

    SecretsManagerBackend.get_secret_value = get_secret_value
    for kind in (FakeSecret, ReplicaSecret):
        kind.to_dict = with_date(kind.to_dict)


def tagged_buckets_are_in_their_region() -> None:
    """moto finds a bucket by its tags in every region.

    GetResources returns what is "located in the specified AWS Region" (Resource Groups Tagging API reference).
    """
    stock = ResourceGroupsTaggingAPIBackend._get_resources_generator

    def resources(self: ResourceGroupsTaggingAPIBackend, *args: Any, **named: Any) -> Iterator[TaggedResource]:
        buckets = s3_backends[self.account_id][self.partition].buckets
        for one in stock(self, *args, **named):
            bucket = buckets.get(one.arn.split(":")[-1]) if one.resource_type == "s3:bucket" else None
            if bucket is None or bucket.region_name == self.region_name:
                yield one

    ResourceGroupsTaggingAPIBackend._get_resources_generator = resources


PATCHES = (
    policies_show_alarms,
    route_tables_show_gateways,
    private_interfaces_have_no_association,
    unused_managed_keys_have_no_target,
    keys_have_a_usage,
    secret_versions_show_their_keys,
    secret_shows_when_it_was_read,
    instance_metadata_options,
    trail_is_deleted_by_arn,
    mappings_by_function_arn,
    peering_filters,
    security_group_rules_without_descriptions,
    security_group_revokes_all_or_none,
    key_operations_by_arn,
    windows_may_touch,
    secret_replica_key,
    secret_has_one_replica_in_a_region,
    secret_replica_can_be_promoted,
    secret_label_is_at_one_version,
    secret_current_follows_its_label,
    secret_version_is_final,
    secret_rotation_needs_a_function,
    bucket_policy_conditions,
    nat_gateway_resource_type,
    cidr_blocks_are_canonical,
    launch_template_tags,
    launch_template_version_user_data,
    launch_template_tags_follow,
    launch_template_versions_can_be_deleted,
    instance_launch_template_version,
    load_balancer_attributes,
    target_group_attributes,
    table_id,
    table_tags_overwrite,
    tagged_buckets_are_in_their_region,
)


def apply() -> None:
    for patch in PATCHES:
        patch()
