#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: replication_probe
version_added: 0.3.0
short_description: See an object and an item of one region arrive in the others
description:
  - Writes a small object into a bucket, an item into a global table, or both, in one region, and waits until the other
    regions have them. A rule that exists may still replicate nothing, as with a role that S3 cannot use.
  - Object and item stay, named C(replication-probe/<region>), one for each region. If they have arrived everywhere,
    nothing is written again, unless O(renew=true).
  - S3 does not repeat a copy that failed. The object is written again until its copies arrive, or O(wait_timeout) is
    over.
  - "Sources: C(Replication status information) of the Amazon S3 User Guide; C(GetItem) of the DynamoDB API Reference."
author:
  - Trading platform maintainers (@trading-multi-region)
options:
  bucket:
    description:
      - Name of the bucket of O(region), which needs versioning. If omitted, no object is written.
    type: str
  table_name:
    description:
      - Name of the global table, whose key is one text. If omitted, no item is written.
    type: str
  destinations:
    description:
      - The regions that must have object and item.
    type: list
    elements: dict
    default: []
    suboptions:
      region:
        description:
          - Region.
        type: str
        required: true
      bucket:
        description:
          - Name of its bucket. Required with O(bucket).
        type: str
  state:
    description:
      - V(present) writes what is missing, and waits. V(absent) removes all versions of all regions' objects from
        O(bucket), and the item of O(region) from the table.
    type: str
    choices: [present, absent]
    default: present
  renew:
    description:
      - Whether to write again what has arrived before, such as after a change of the replication.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait. S3 replicates most objects within 15 minutes.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: trading.multi_region.s3_bucket_replication
  - module: trading.multi_region.dynamodb_global_table
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - trading.multi_region.attributes
  - trading.multi_region.timeouts
"""

EXAMPLES = r"""
- name: See an object and an item of us-east-1 arrive in us-east-2
  trading.multi_region.replication_probe:
    region: us-east-1
    bucket: trading-data-us-east-1-dev
    table_name: trading-sessions-dev
    destinations:
      - region: us-east-2
        bucket: trading-data-us-east-2-dev

- name: Remove the objects, so that the bucket can be deleted
  trading.multi_region.replication_probe:
    region: us-east-1
    bucket: trading-data-us-east-1-dev
    state: absent
"""

RETURN = r"""
reason:
  description: One sentence on what was seen.
  returned: success
  type: str
  sample: "What us-east-1 writes arrives: the object replication-probe/us-east-1 is in us-east-2."
probes:
  description: The object, the item or both, as read last. Empty with O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(object) or V(item).
      type: str
      sample: object
    key:
      description: Name of the object, or key of the item.
      type: str
      sample: replication-probe/us-east-1
    version:
      description: Version of the object, or the item's own mark. Null if there is none.
      type: str
      sample: 3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY-MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo
    written_at:
      description: Time at which it was written, in epoch seconds. Null if there is none.
      type: float
      sample: 1767225600.0
    arrived_in:
      description: Regions that have this version.
      type: list
      elements: str
      sample: [us-east-2]
    missing_in:
      description: Regions that have not. Empty, except in check mode.
      type: list
      elements: str
      sample: []
seconds:
  description: Duration in seconds, from the first to the last call.
  returned: always
  type: float
  sample: 12.204
ended_at:
  description: Time at which the module finished, in epoch seconds.
  returned: success
  type: float
  sample: 1767225600.125
error_code:
  description: Error code of the AWS call that failed, or the name of the exception if there was no response.
  returned: when a call to AWS failed
  type: str
  sample: NoSuchBucket
"""

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import TIMEOUT_SPEC, clients_for
from ansible_collections.trading.multi_region.plugins.module_utils._core.module import run_module
from ansible_collections.trading.multi_region.plugins.module_utils._options import rules
from ansible_collections.trading.multi_region.plugins.module_utils._stores.replication_probe import run

DESTINATION_SPEC = {
    "region": {"type": "str", "required": True, "rule": rules.REGION_CODE},
    "bucket": {"type": "str", "rule": rules.BUCKET},
}
ARGUMENT_SPEC = {
    "bucket": {"type": "str", "rule": rules.BUCKET},
    "table_name": {"type": "str", "rule": rules.TABLE},
    "destinations": {"type": "list", "elements": "dict", "options": DESTINATION_SPEC, "default": []},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "renew": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 900, "rule": rules.WAIT},
    **TIMEOUT_SPEC,
}


def main():
    run_module(
        lambda module: run(module.params, clients_for(module), module.check_mode),
        ARGUMENT_SPEC,
        required_one_of=[("bucket", "table_name")],
    )


if __name__ == "__main__":
    main()
