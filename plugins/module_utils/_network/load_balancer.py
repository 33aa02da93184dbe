# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Load balancers, and their attributes that amazon.aws.elb_application_lb does not know.

Facts used: ModifyLoadBalancerAttributes of the Elastic Load Balancing API Reference (attributes that are not in the
request are kept); "Edit attributes for your Application Load Balancer" of the User Guide for Application Load Balancers
(client_keep_alive.seconds, from 60 to 604800, 3600 by default).
"""

from __future__ import annotations

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed, wait_until_visible

# Option of the module: name of the attribute.
ATTRIBUTES = {"client_keep_alive_seconds": "client_keep_alive.seconds"}


@aws_call("DescribeLoadBalancers", missing=("LoadBalancerNotFound",))
def describe_load_balancer(client, name):
    """Return the LoadBalancer of the API with a name or an ARN, or None."""
    given = {"LoadBalancerArns": [name]} if name.startswith("arn:") else {"Names": [name]}
    return client.describe_load_balancers(**given)["LoadBalancers"][0]


@aws_call("DescribeLoadBalancerAttributes", missing=("LoadBalancerNotFound",))
def get_attributes(client, arn):
    """Return {key: value}, or None without a load balancer."""
    found = client.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {one["Key"]: one["Value"] for one in found}


@aws_call("ModifyLoadBalancerAttributes")
def modify_attributes(client, arn, attributes):
    """Set attributes; others are kept."""
    client.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in sorted(attributes.items())]
    )


def write(client, arn, attributes):
    """Set attributes, and return once the load balancer shows them."""
    failure = None
    try:
        modify_attributes(client, arn, attributes)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        lambda: {key: (get_attributes(client, arn) or {}).get(key) for key in attributes},
        lambda now: now == attributes,
        failure,
        f"The attributes of {arn} were set",
    )


@timed
def run(params, clients, check_mode=False):
    """Bring attributes of a load balancer to the wanted values.

    Returns {changed, reason, attributes, diff, seconds}. Raises Refused, AwsCallError or WaitTimeout.
    """
    arn = params["load_balancer_arn"]
    client = clients("elbv2", params.get("region"))
    seen = get_attributes(client, arn)
    # In check mode the task that creates the load balancer has not run.
    if seen is None and not check_mode:
        raise Refused(f"load_balancer_arn is {arn}; allowed: the ARN of a load balancer that exists.")
    wanted = {key: str(params[option]) for option, key in ATTRIBUTES.items() if params.get(option) is not None}
    before = {key: (seen or {}).get(key) for key in wanted}
    changes = {key: value for key, value in wanted.items() if before[key] != value}
    if changes and not check_mode:
        write(client, arn, changes)
    verb = "would be set" if check_mode else "was set"
    words = ", ".join(f"{key} {verb} to {value} (before: {before[key]})" for key, value in sorted(changes.items()))
    return {
        "changed": bool(changes),
        "reason": f"{words}." if words else "The load balancer has the requested attributes.",
        "attributes": {**(seen or {}), **wanted},
        "diff": {"before": before, "after": wanted},
    }
