# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources a web ACL is associated with, that it cannot be deleted until then, and one rule that it applies.

Follows: API reference of AWS WAF V2, ListResourcesForWebACL and DeleteWebACL ("Before deleting any web ACL, first
disassociate it from all resources"; WAFAssociatedItemException). AWS WAF Developer Guide, "Baseline rule groups",
NoUserAgent_HEADER of the core rule set: a request without the header User-Agent is blocked, and gets 403 ("Block" of
"Using rule actions").
"""

from __future__ import annotations

import json

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.common_types import TYPE_RESPONSE
from moto.wafv2.exceptions import WAFNonexistentItemException, WAFv2ClientError
from moto.wafv2.models import WAFV2Backend, wafv2_backends
from moto.wafv2.responses import WAFV2Response

ASSOCIATED = "AWS WAF couldn't perform the operation because your resource is being used by another resource."
CORE_RULE_SET = "AWSManagedRulesCommonRuleSet"


def needs_user_agent(region: str, arn: str) -> bool:
    """Whether a web ACL in front of a resource blocks requests that do not say who sends them."""
    return any(
        rule.statement.get("ManagedRuleGroupStatement", {}).get("Name") == CORE_RULE_SET
        for web_acl in wafv2_backends[DEFAULT_ACCOUNT_ID][region].wacls.values()
        if arn in web_acl.associated_resources
        for rule in web_acl.rules
    )


def list_resources_for_web_acl(self: WAFV2Response) -> TYPE_RESPONSE:
    web_acl = self.wafv2_backend.wacls.get(json.loads(self.body)["WebACLArn"])
    if web_acl is None:
        raise WAFNonexistentItemException
    return 200, {}, json.dumps({"ResourceArns": web_acl.associated_resources})


def install() -> None:
    stock_delete = WAFV2Backend.delete_web_acl

    def delete_web_acl(self: WAFV2Backend, name: str, scope: str, _id: str, lock_token: str) -> None:
        for web_acl in self.wacls.values():
            if web_acl.id == _id and web_acl.associated_resources:
                raise WAFv2ClientError("WAFAssociatedItemException", ASSOCIATED)
        stock_delete(self, name, scope, _id, lock_token)

    WAFV2Backend.delete_web_acl = delete_web_acl
    WAFV2Response.list_resources_for_web_acl = list_resources_for_web_acl
