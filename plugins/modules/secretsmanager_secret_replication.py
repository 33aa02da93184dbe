#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: secretsmanager_secret_replication
version_added: 0.2.0
short_description: Manage replicas and tags of a secret, or read it without its value
description:
  - Adds and removes replicas of an existing secret in other regions, adds tags, and restores a secret that is scheduled
    for deletion.
  - Value, rotation and resource policy of the secret are never changed. M(community.aws.secretsmanager_secret) cancels
    a rotation, also in check mode, and deletes a resource policy, if its options do not contain them.
  - Settings whose options are omitted are not changed. With O(name) alone the module reads the secret without its
    value.
  - "Sources: C(DescribeSecret), C(ReplicateSecretToRegions), C(RemoveRegionsFromReplication),
    C(StopReplicationToReplica), C(RestoreSecret) and C(TagResource) of the AWS Secrets Manager API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  name:
    description:
      - Name of the secret, in the region of its primary.
    type: str
    required: true
  replicas:
    description:
      - Regions that have a replica. AWS may still be copying the value when the module returns.
      - The key of an existing replica is not changed.
    type: list
    elements: dict
    suboptions:
      region:
        description:
          - Region of the replica.
        type: str
        required: true
      kms_key_id:
        description:
          - ARN, in the replica's region, of the KMS key that encrypts the replica, or its alias with C(alias/). The
            default is the key that AWS manages.
        type: str
  purge_replicas:
    description:
      - Whether replicas that O(replicas) does not list are deleted.
    type: bool
    default: false
  tags:
    description:
      - Tags that the secret has. Other tags are kept.
    type: dict
  overwrite:
    description:
      - Whether a new replica replaces another secret of the same name in its region, with that secret's value.
    type: bool
    default: false
    version_added: 0.3.0
  promote:
    description:
      - Whether a replica becomes a secret of its own, no longer replicated from its primary. O(region) is the replica's
        region; its primary's region need not respond.
    type: bool
    default: false
    version_added: 0.3.0
  restore:
    description:
      - Whether a secret that is scheduled for deletion is restored. With V(false) the module does not change it.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: community.aws.secretsmanager_secret
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Read a secret without its value
  trading.multi_region.secretsmanager_secret_replication:
    region: us-east-1
    name: trading-database-prod
  register: found

- name: Replicate it
  trading.multi_region.secretsmanager_secret_replication:
    region: us-east-1
    name: trading-database-prod
    replicas:
      - region: us-east-2
        kms_key_id: arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555

- name: Remove all replicas, without which AWS deletes no secret
  trading.multi_region.secretsmanager_secret_replication:
    region: us-east-1
    name: trading-database-prod
    replicas: []
    purge_replicas: true
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: success
  type: str
  sample: "The secret trading-database-prod has now: replicas in us-east-2."
metadata:
  description:
    - The secret as read back, without its value; an empty dictionary if there is none. In check mode, the secret as it
      would be.
  returned: success
  type: dict
  contains:
    arn:
      description: ARN.
      type: str
      sample: arn:aws:secretsmanager:us-east-1:123456789012:secret:trading-database-prod-a1b2c3
    name:
      description: Name.
      type: str
      sample: trading-database-prod
    primary_region:
      description: Region of the primary secret; null for a secret without replicas.
      type: str
      version_added: 0.3.0
      sample: us-east-1
    is_deleted:
      description: Whether it is scheduled for deletion.
      type: bool
      sample: false
    tags:
      description: Tags.
      type: dict
      sample: {Project: trading}
    replication_status:
      description: Replicas.
      type: list
      elements: dict
      contains:
        region:
          description: Region.
          type: str
          sample: us-east-2
        kms_key_id:
          description: Key that encrypts the replica.
          type: str
          sample: arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555
        status:
          description: V(InSync), V(InProgress) or V(Failed).
          type: str
          sample: InSync
        status_message:
          description: Explanation of the status.
          type: str
          sample: Replication succeeded
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 0.214
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: AccessDeniedException
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._stores.secret_replication import run

REPLICA_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "kms_key_id": {"type": "str", "no_log": False, "rule": rules.KEY_OR_ALIAS},
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "rule": rules.SECRET},
    "replicas": {"type": "list", "elements": "dict", "options": REPLICA_SPEC},
    "purge_replicas": {"type": "bool", "default": False},
    "tags": {"type": "dict", "rule": rules.TAGS},
    "overwrite": {"type": "bool", "default": False},
    "promote": {"type": "bool", "default": False},
    "restore": {"type": "bool", "default": False},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
