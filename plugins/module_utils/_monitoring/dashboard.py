# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""CloudWatch dashboards, for which neither amazon.aws nor community.aws has a module.

Source: PutDashboard, GetDashboard and DeleteDashboards of the CloudWatch API Reference. CloudWatch stores the body as
text; it is compared as data, so that whitespace and the order of keys do not matter.
"""

from __future__ import annotations

import json

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import (
    AwsCallError,
    Refused,
    aws_call,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed, wait_until_visible

MISSING = ("DashboardNotFoundError", "ResourceNotFound", "ResourceNotFoundException")


@aws_call("GetDashboard", missing=MISSING)
def get_dashboard(client, name):
    """Return the text of the dashboard's body, or None."""
    return client.get_dashboard(DashboardName=name)["DashboardBody"]


@aws_call("PutDashboard")
def put_dashboard(client, name, text):
    """Write the dashboard; return CloudWatch's messages on accepted parts that it cannot display."""
    messages = client.put_dashboard(DashboardName=name, DashboardBody=text).get("DashboardValidationMessages", [])
    return [f"{one.get('DataPath', '')}: {one.get('Message', '')}" for one in messages]


@aws_call("DeleteDashboards", missing=MISSING)
def delete_dashboard(client, name):
    """Delete the dashboard. Does nothing if it does not exist."""
    client.delete_dashboards(DashboardNames=[name])


def body_of(text):
    """Return a dashboard's text as data. Text that is not JSON is returned unchanged, and so differs from any body."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def read(client, name):
    """Return the body as data, or None."""
    text = get_dashboard(client, name)
    return None if text is None else body_of(text)


def write(client, name, body):
    """Write the body, or delete the dashboard if it is None; read back. Returns CloudWatch's messages."""
    messages, failure = [], None
    try:
        if body is None:
            delete_dashboard(client, name)
        else:
            messages = put_dashboard(client, name, json.dumps(body, sort_keys=True))
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        lambda: read(client, name), lambda now: now == body, failure, f"The dashboard {name} was written"
    )
    return messages


@timed
def run(params, clients, check_mode=False):
    """Bring the dashboard to the wanted state.

    Returns {changed, reason, dashboard_name, messages, diff, seconds}. Raises Refused or AwsCallError.
    """
    name, wanted = params["name"], params["body"] if params["state"] == "present" else None
    if wanted is not None and not isinstance(wanted.get("widgets"), list):
        raise Refused(f"body of the dashboard {name} has no widgets; allowed: a dictionary with a list of widgets.")
    client = clients("cloudwatch", params.get("region"))
    before = read(client, name)
    changed = before != wanted
    done = {
        (True, True): "was deleted",
        (True, False): "was created" if before is None else "was changed",
        (False, True): "does not exist",
        (False, False): "is as requested",
    }[changed, wanted is None]
    messages = write(client, name, wanted) if changed and not check_mode else []
    return {
        "changed": changed,
        "reason": f"The dashboard {name} {done.replace('was', 'would be') if check_mode else done}.",
        "dashboard_name": name,
        "messages": messages,
        "diff": {"before": before or {}, "after": wanted or {}},
    }
