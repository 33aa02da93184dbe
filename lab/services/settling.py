# SPDX-License-Identifier: GPL-3.0-or-later
"""What was created or changed a moment ago is refused once, where the setting `first_use_refused` says so.

AWS reports a creation before all of its parts know of it. The lab refuses the first call that uses it, in each region
where there are several, and accepts the next one; how long AWS needs is not simulated. Words and sources:

- an instance profile, in CreateAutoScalingGroup and UpdateAutoScalingGroup: terraform-provider-aws issue 24910;
- a public bucket policy after the bucket's public access block was lifted: env0/templates pull request 258. While the
  block is there, such a policy is refused always (S3 User Guide, "Blocking public access", BlockPublicPolicy);
- PutBucketReplication after versioning was enabled: terraform-provider-aws, its retry of this call (s3_rules.py);
- a KMS key in policies that depend on its tags: AWS KMS Developer Guide, "Use tags to control access to KMS keys". The
  lab refuses the first DescribeKey, whoever asks.
"""

from __future__ import annotations

import json
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends
from moto.iam.models import IAMBackend, iam_backends
from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, S3Backend

from lab.services.autoscaling import LabAutoScalingResponse
from lab.services.first_use import Mark, is_refused, unsettle

PROFILE_REFUSED = (
    "You must use a valid fully-formed launch template. Value ({arn}) for parameter iamInstanceProfile.arn is invalid."
    " Invalid IAM Instance Profile ARN"
)
POLICY_REFUSED = (
    'User: arn:aws:iam::{account}:user/lab is not authorized to perform: s3:PutBucketPolicy on resource: "{arn}"'
    " because public policies are blocked by the BlockPublicPolicy block public access setting."
)
KEY_REFUSED = (
    "User: arn:aws:iam::{account}:user/lab is not authorized to perform: kms:DescribeKey on resource: {arn} because no"
    " identity-based policy allows the kms:DescribeKey action"
)


def is_public(policy: bytes | str) -> bool:
    """Whether a bucket policy lets everybody in ("The meaning of public" of the S3 User Guide, without conditions)."""
    statements = json.loads(policy)["Statement"]
    return any(
        one["Effect"] == "Allow" and one.get("Principal") in ("*", {"AWS": "*"}) and not one.get("Condition")
        for one in (statements if isinstance(statements, list) else [statements])
    )


def install() -> None:
    """Put the refusals in place."""
    _instance_profiles()
    _bucket_policies()
    _versioning()
    _keys()


def _instance_profiles() -> None:
    create = IAMBackend.create_instance_profile

    def create_instance_profile(self: IAMBackend, *args: Any, **named: Any) -> Any:
        profile = create(self, *args, **named)
        unsettle(profile)
        return profile

    IAMBackend.create_instance_profile = create_instance_profile
    for name in ("create_auto_scaling_group", "update_auto_scaling_group"):
        stock = getattr(LabAutoScalingResponse, name)

        def write(self: LabAutoScalingResponse, _stock: Any = stock) -> Any:
            _refuse_profile(self._get_param("LaunchTemplate", {}), self.region)
            return _stock(self)

        setattr(LabAutoScalingResponse, name, write)


def _refuse_profile(named: dict[str, Any], region: str) -> None:
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    for template in [one for one in backend.launch_templates.values() if one.name == named.get("LaunchTemplateName")]:
        arn = template.latest_version().data.get("IamInstanceProfile", {}).get("Arn")
        for profile in iam_backends[DEFAULT_ACCOUNT_ID]["aws"].instance_profiles.values():
            if profile.arn == arn and is_refused(profile, region):
                raise ValidationError(PROFILE_REFUSED.format(arn=arn))


def _bucket_policies() -> None:
    put, block = S3Backend.put_bucket_policy, S3Backend.put_public_access_block

    def put_public_access_block(self: S3Backend, bucket_name: str, pub_block_config: Any) -> None:
        block(self, bucket_name, pub_block_config)
        bucket = self.get_bucket(bucket_name)
        vars(bucket)["lab_policy"] = Mark()
        if not blocks(bucket):
            unsettle(vars(bucket)["lab_policy"])

    def put_bucket_policy(self: S3Backend, bucket_name: str, policy: bytes) -> None:
        bucket = self.get_bucket(bucket_name)
        lifted = vars(bucket).get("lab_policy")
        if is_public(policy) and (blocks(bucket) or (lifted and is_refused(lifted))):
            raise S3ClientError("AccessDenied", POLICY_REFUSED.format(account=DEFAULT_ACCOUNT_ID, arn=bucket.arn))
        put(self, bucket_name, policy)

    S3Backend.put_public_access_block = put_public_access_block
    S3Backend.put_bucket_policy = put_bucket_policy


def blocks(bucket: FakeBucket) -> bool:
    """Whether the bucket's own block refuses public policies."""
    block = bucket.public_access_block
    return bool(block) and str(block.block_public_policy).lower() == "true"


def _versioning() -> None:
    enable = S3Backend.put_bucket_versioning

    def put_bucket_versioning(self: S3Backend, bucket_name: str, status: str) -> None:
        bucket = self.get_bucket(bucket_name)
        if status == "Enabled" and bucket.versioning_status != "Enabled":
            vars(bucket)["lab_versioning"] = Mark()
            unsettle(vars(bucket)["lab_versioning"])
        enable(self, bucket_name, status)

    S3Backend.put_bucket_versioning = put_bucket_versioning


def _keys() -> None:
    create, describe = KmsBackend.create_key, KmsResponse.describe_key

    def create_key(self: KmsBackend, *args: Any, **named: Any) -> Any:
        key = create(self, *args, **named)
        unsettle(key)
        return key

    def describe_key(self: KmsResponse) -> str:
        key = self.kms_backend.keys.get(self.kms_backend.get_key_id(self._get_param("KeyId")))
        if key is not None and is_refused(key):
            raise JsonRESTError("AccessDeniedException", KEY_REFUSED.format(account=DEFAULT_ACCOUNT_ID, arn=key.arn))
        return describe(self)

    KmsBackend.create_key = create_key
    KmsResponse.describe_key = describe_key
