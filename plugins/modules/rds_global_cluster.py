#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster
version_added: 0.1.0
short_description: Create, adopt, modify and delete an Aurora global database
description:
  - Manages the global cluster itself, the container that the regional clusters are members of. The members are created
    with M(amazon.aws.rds_cluster) and its option O(amazon.aws.rds_cluster#module:global_cluster_identifier).
  - An existing global cluster with the same identifier is adopted as it is, whichever region its writer is in, so that
    a second run after a failover changes nothing.
  - An existing regional cluster becomes the first member of a new global cluster with O(source_db_cluster_arn).
  - Settings whose options are omitted are not changed.
  - "Sources: C(Using Amazon Aurora Global Database) of the Aurora User Guide; C(CreateGlobalCluster),
    C(ModifyGlobalCluster), C(DeleteGlobalCluster) and C(AddTagsToResource) of the RDS API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  global_cluster_identifier:
    description:
      - Identifier of the global cluster, unique in the account across all regions.
    type: str
    required: true
  state:
    description:
      - Whether the global cluster exists.
      - V(absent) fails while it has members, and while it is protected unless O(deletion_protection=false).
    type: str
    choices: [present, absent]
    default: present
  engine:
    description:
      - Database engine. Cannot be changed after creation.
    type: str
    choices: [aurora-mysql, aurora-postgresql]
    default: aurora-mysql
  engine_version:
    description:
      - Engine version, for example V(8.0.mysql_aurora.3.10.5). The beginning of a version, such as
        V(8.0.mysql_aurora.3.10), matches every patch level of it.
      - Used at creation only. A global cluster that exists must match it, otherwise the module fails;
        M(trading.multi_region.rds_global_cluster_version) upgrades one.
    type: str
  engine_lifecycle_support:
    description:
      - Whether Amazon RDS Extended Support, which AWS charges for, begins when standard support of the major version
        ends.
      - Without this option AWS enrolls a new global cluster in it. With V(open-source-rds-extended-support-disabled)
        AWS refuses to create one whose major version has reached that date.
      - AWS applies it to Aurora PostgreSQL; with Aurora MySQL each regional cluster has its own setting.
      - Used at creation only.
    type: str
    choices: [open-source-rds-extended-support-disabled, open-source-rds-extended-support]
    version_added: 0.2.0
  database_name:
    description:
      - Name of the database created with the first member, up to 64 letters and digits. Cannot be changed after
        creation.
    type: str
  storage_encrypted:
    description:
      - Whether the storage of the members is encrypted. Cannot be changed after creation.
    type: bool
  deletion_protection:
    description:
      - Whether the global cluster is protected from deletion.
    type: bool
  source_db_cluster_arn:
    description:
      - ARN of an existing regional cluster to create the global cluster from. It becomes the writer, and the global
        cluster takes its engine, version, database name and encryption.
      - AWS lists it as the writer 30 to 60 seconds after the creation and refuses secondaries until then. With
        O(wait=true) the module waits for that.
      - Used at creation only.
    type: str
  tags:
    description:
      - Tags that the global cluster has. Other tags are kept.
      - Needs C(rds:ListTagsForResource) and C(rds:AddTagsToResource) on the global cluster, whose ARN has no region.
    type: dict
    version_added: 0.2.0
  wait:
    description:
      - Whether to wait until the global cluster is available or deleted.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.rds_global_cluster_version
  - module: trading.multi_region.rds_global_cluster_writer
  - module: amazon.aws.rds_cluster
  - module: amazon.aws.rds_global_cluster_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: Create a global database
  trading.multi_region.rds_global_cluster:
    region: us-east-1
    global_cluster_identifier: trading-global-dev
    engine_version: 8.0.mysql_aurora.3.10.5
    database_name: trading
    storage_encrypted: true
    deletion_protection: false

- name: Create a global database from a regional cluster
  trading.multi_region.rds_global_cluster:
    region: us-east-1
    global_cluster_identifier: trading-global-dev
    source_db_cluster_arn: arn:aws:rds:us-east-1:123456789012:cluster:trading-us-east-1-dev

- name: Delete it, its members having been deleted before
  trading.multi_region.rds_global_cluster:
    region: us-east-1
    global_cluster_identifier: trading-global-dev
    deletion_protection: false
    state: absent
"""

RETURN = r"""
reason:
  description: One sentence on what was changed, or why nothing was.
  returned: always
  type: str
  sample: The global cluster trading-global-dev was created.
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 1.204
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  version_added: 0.2.0
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: InvalidGlobalClusterStateFault
global_cluster:
  description: The global cluster as read back, an empty dictionary if there is none.
  returned: always
  type: dict
  contains:
    global_cluster_identifier:
      description: Identifier.
      type: str
      sample: trading-global-dev
    global_cluster_arn:
      description: ARN. It does not contain a region.
      type: str
      sample: arn:aws:rds::123456789012:global-cluster:trading-global-dev
    global_cluster_resource_id:
      description: Unique identifier that is never reused.
      type: str
      sample: cluster-1a2b3c4d5e6f7081
    status:
      description: Status. V(available) does not indicate where the writer is.
      type: str
      sample: available
    engine:
      description: Database engine.
      type: str
      sample: aurora-mysql
    engine_version:
      description: Engine version.
      type: str
      sample: 8.0.mysql_aurora.3.10.5
    database_name:
      description: Name of the first database.
      type: str
      sample: trading
    storage_encrypted:
      description: Whether storage is encrypted.
      type: bool
      sample: true
    deletion_protection:
      description: Whether it is protected from deletion.
      type: bool
      sample: false
    endpoint:
      description: Global writer endpoint, which follows the writer.
      type: str
      sample: trading-global-dev.global-1a2b3c4d.global.rds.amazonaws.com
    members:
      description: Regional clusters.
      type: list
      elements: dict
      contains:
        region:
          description: Region of the cluster.
          type: str
          sample: us-east-1
        arn:
          description: ARN of the cluster.
          type: str
          sample: arn:aws:rds:us-east-1:123456789012:cluster:trading-us-east-1-dev
        identifier:
          description: Identifier of the cluster.
          type: str
          sample: trading-us-east-1-dev
        is_writer:
          description: Whether it is the writer.
          type: bool
          sample: true
        synchronization_status:
          description: V(connected), V(pending-resync), or null if AWS reports none.
          type: str
          sample: connected
    tags:
      description: Tags.
      returned: when O(tags) is given and O(state=present)
      type: dict
      version_added: 0.2.0
      sample: {Project: trading}
    writer_region:
      description: Region of the writer, null if there is none.
      type: str
      sample: us-east-1
    failover_state:
      description:
        - Switchover or failover in progress with C(status), C(from_region), C(to_region),
          C(to_arn) and C(data_loss_allowed); empty when there is none.
      type: dict
      sample: {}
"""

from ansible_collections.trading.multi_region.plugins.module_utils._aurora.engines import ENGINES, LIFECYCLES
from ansible_collections.trading.multi_region.plugins.module_utils._aurora.global_cluster import run
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules

DATABASE_NAME = rules.text(r"[A-Za-z][A-Za-z0-9]{0,63}", "1 to 64 letters and digits, the first one a letter")
ARGUMENT_SPEC = {
    "global_cluster_identifier": {"type": "str", "required": True, "rule": rules.CLUSTER},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "engine": {"type": "str", "choices": list(ENGINES), "default": "aurora-mysql"},
    "engine_version": {"type": "str", "rule": rules.ENGINE_VERSION},
    "engine_lifecycle_support": {"type": "str", "choices": list(LIFECYCLES)},
    "database_name": {"type": "str", "rule": DATABASE_NAME},
    "storage_encrypted": {"type": "bool"},
    "deletion_protection": {"type": "bool"},
    "source_db_cluster_arn": {"type": "str", "rule": rules.CLUSTER_ARN},
    "tags": {"type": "dict", "rule": rules.TAGS},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600, "rule": rules.WAIT},
    **TIMEOUT_SPEC,
}


def main():
    run_module(lambda module: run(module.params, clients_for(module), module.check_mode), ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
