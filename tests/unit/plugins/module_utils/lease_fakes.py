# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A fake control table that evaluates conditions as DynamoDB does, and returns its time in whole seconds."""

from __future__ import annotations

import re
from email.utils import formatdate

from ansible_collections.trading.multi_region.tests.unit.fakes import FakeAws, aws_error

TABLE, WEST = "trading-failover-dev", "us-east-2"
# The table's time at the beginning; nothing may compare it with the controller's, which is decades away.
EPOCH = 4_000_000_000.0


class LeaseTable(FakeAws):
    """The lease items of all regions. time: a FakeTime; the table's clock goes with it from EPOCH on."""

    def __init__(self, time):
        super().__init__()
        self.time = time
        self.items = {}
        self.has_table = True

    def now(self):
        """Return the table's time."""
        return EPOCH + self.time.now

    def _answer(self, **answer):
        return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": formatdate(int(self.now()), usegmt=True)}}}

    def _require_table(self, operation):
        if not self.has_table:
            raise aws_error("ResourceNotFoundException", operation)

    def get_item(self, region, TableName, Key, ConsistentRead):
        assert ConsistentRead
        self._require_table("GetItem")
        item = self.items.get(region)
        return self._answer(Item=dict(item)) if item else self._answer()

    def put_item(self, region, TableName, Item, ReturnConsumedCapacity, **condition):
        self._require_table("PutItem")
        self._check(region, "PutItem", **condition)
        self.items[region] = dict(Item)
        return self._answer(ConsumedCapacity={"TableName": TableName, "CapacityUnits": 1.0})

    def update_item(self, region, TableName, Key, UpdateExpression, ReturnValues, **condition):
        self._require_table("UpdateItem")
        self._check(region, "UpdateItem", **condition)
        names, values = condition["ExpressionAttributeNames"], condition["ExpressionAttributeValues"]
        item = self.items[region]
        sets, count = re.fullmatch(r"(?:SET (.+) )?ADD (#\w+) :one", UpdateExpression).groups()
        for name, value in re.findall(r"(#\w+) = (:\w+)", sets or ""):
            item[names[name]] = values[value]
        item[names[count]] = {"N": str(int(item[names[count]]["N"]) + 1)}
        return self._answer(Attributes=dict(item))

    def _check(self, region, operation, ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues=None):
        item = self.items.get(region, {})
        for term in ConditionExpression.split(" AND "):
            if absent := re.fullmatch(r"attribute_not_exists\((#\w+)\)", term):
                holds = ExpressionAttributeNames[absent[1]] not in item
            else:
                name, comparison, value = re.fullmatch(r"(#\w+) (=|<=) (:\w+)", term).groups()
                stored, given = item.get(ExpressionAttributeNames[name]), ExpressionAttributeValues[value]
                holds = stored == given or (comparison == "<=" and stored and float(stored["N"]) < float(given["N"]))
            if not holds:
                raise aws_error("ConditionalCheckFailedException", operation)
