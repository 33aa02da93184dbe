# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs the modules of amazon.aws and community.aws inside the controller's process, in the playbooks of this directory.

Ansible hands every module that has no action plugin of its own to ``normal``, and takes that from the playbook's
directory before its own. Why, and the way back: docs/speed.md.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import re

try:
    import boto3.session
except ImportError:  # then no module runs here
    boto3 = None

from ansible.errors import AnsibleActionFail

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import client_config
from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import (
    HOSTED_ZONES,
    RegionalSessions,
)
from ansible_collections.trading.multi_region.plugins.plugin_utils.in_process import (
    SETTINGS,
    InProcessAction,
    InProcessModule,
)

COLLECTIONS = ("amazon.aws.", "community.aws.")
# What the modules tag after they have created it, or never: EC2's operation and its name of the resource. A policy of
# the organization may refuse what is created without tags.
TAGGED_LATER = {
    "AllocateAddress": "elastic-ip",
    "CreateInternetGateway": "internet-gateway",
    "CreateLaunchTemplate": "launch-template",
    "CreateRouteTable": "route-table",
}
# AWS's own verbs for reading; a call of any other name is taken to change something.
READING = re.compile(
    "(?:Assume|BatchDescribe|BatchGet|Check|Decode|Decrypt|Describe|Filter|Get|Head|List|Lookup|Preview|Query|Scan"
    "|Search|Select|Simulate|Test|TransactGet|Validate|Verify|View)(?=[A-Z0-9]|$)"
)


class GuardedModule(InProcessModule):
    """In check mode it ends with ``changed`` at the first call that would change something, instead of making it.

    So a module without a check mode of its own tells the same as one with it, and no module changes anything.
    """

    is_guarded = True

    def would_call(self, params, model, **_event):
        """Refuse a changing call; the handler of an event of botocore."""
        if READING.match(model.name):
            return
        call = f"{model.service_model.service_name}:{model.name}"
        shown = json.dumps(params, indent=2, sort_keys=True, default=str) + "\n"
        diff = {"before_header": "", "before": "", "after_header": call, "after": shown}
        self.exit_json(changed=True, msg=f"Would call {call}.", **({"diff": diff} if self._diff else {}))


class Sessions(RegionalSessions):
    """The sessions of a module: what they create in EC2 has the tags of its task from the beginning.

    The playbooks use amazon.aws's modules of Route 53 for hosted zones only, which may be in another account.

    refuse: called with every request before it is sent, or None.
    """

    tags = None
    refuse = None

    def client(self, service, region_name=None, **settings):
        made = super().client(HOSTED_ZONES if service == "route53" else service, region_name, **settings)
        self.guard(made)
        if service == "ec2" and isinstance(self.tags, dict):
            for operation, kind in TAGGED_LATER.items():
                tag = functools.partial(add_tags, kind, self.tags)
                made.meta.events.register(f"provide-client-params.ec2.{operation}", tag)
        return made

    def resource(self, service, region_name=None, **settings):
        made = super().resource(service, region_name, **settings)
        self.guard(made.meta.client)
        return made

    def guard(self, client):
        if self.refuse:
            client.meta.events.register("provide-client-params", self.refuse)


def add_tags(kind, tags, params, **_event):
    """Return the parameters of a request with tags, unless it has some."""
    own = [{"Key": str(key), "Value": str(value)} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": own}], **params}


class ActionModule(InProcessAction):
    stand_in = GuardedModule

    @property
    def name(self):
        # The first is None where the module's name came out of a template.
        return self._task.resolved_action or self._task.action

    @property
    def module(self):
        namespace, collection, name = self.name.split(".")
        return importlib.import_module(f"ansible_collections.{namespace}.{collection}.plugins.modules.{name}")

    def name_credentials(self, task_vars):
        """Keep the settings of every region's credentials; amazon.aws knows only profiles, and none by region."""
        self.settings, self.home_region = {}, lambda: None
        if self.name.startswith(COLLECTIONS):
            self.settings = self._templar.template(task_vars.get(SETTINGS)) or {}
            # Most modules name a region, and a template takes its time in every task.
            self.home_region = functools.cache(lambda: self._templar.template(task_vars.get("home_region")))
            if self.settings and not self.belongs_here(task_vars):
                raise AnsibleActionFail(
                    f"{self.name} does not run in the controller's own Python, so it cannot use the credentials of"
                    " aws_profile, aws_role_arn, traffic_zone_role_arn or expected_account_id. Set"
                    " ansible_python_interpreter to the Python that runs Ansible, or set AWS_PROFILE in the environment"
                    " instead."
                )

    @contextlib.contextmanager
    def sessions(self):
        """Make the module's session ask each region's own STS, as those of our modules do."""
        before = boto3.session.Session

        def session(profile_name=None, **_more):
            found = Sessions(profile_name, client_config({}), self.settings, self.home_region)
            found.tags = self._task.args.get("tags")
            if self._task.check_mode:
                found.refuse = self.substitute.made.would_call
            return found

        boto3.session.Session = session
        try:
            yield
        finally:
            boto3.session.Session = before

    def belongs_here(self, task_vars):
        if not (self.name.startswith(COLLECTIONS) and super().belongs_here(task_vars)):
            return False
        # ec2_metadata_facts, for one, is built on AnsibleModule and would read this process's input.
        return hasattr(self.module, "AnsibleAWSModule")
