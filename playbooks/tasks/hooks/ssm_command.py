# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Run a command of Systems Manager, and wait until it has ended. Reads {region, document, parameters, targets}."""

from __future__ import annotations

import json
import sys
import threading

import boto3

# "Understanding command statuses" of the AWS Systems Manager User Guide: it has ended in all others.
GOING_ON = ("Pending", "InProgress", "Cancelling")
LOOK_SECONDS = 1


def run(order, client, wait):
    """Return the command as ListCommands shows it once it has ended on every instance."""
    names = {"DocumentName": "document", "Parameters": "parameters", "Targets": "targets"}
    sent = client.send_command(**{option: order[name] for option, name in names.items()})["Command"]
    while True:
        (found,) = client.list_commands(CommandId=sent["CommandId"])["Commands"]
        if found["Status"] not in GOING_ON:
            return found
        wait(LOOK_SECONDS)


def main():
    order = json.load(sys.stdin)
    found = run(order, boto3.client("ssm", region_name=order["region"]), threading.Event().wait)
    said = f"{order['document']} in {order['region']}: {found['Status']} on {found['TargetCount']} instances"
    if found["Status"] != "Success" or not found["TargetCount"]:
        sys.exit(said)
    print(said)


if __name__ == "__main__":
    main()
