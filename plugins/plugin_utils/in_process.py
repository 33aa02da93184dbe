# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Running a module that is built on AnsibleAWSModule inside the controller's process.

As a module, a task packs its code, starts another Python, unpacks and compiles the code there and imports boto3. The
process that Ansible forks for the task has all of that already (figures: docs/speed.md). The module file stays the only
place that knows its options and its work: its own ``main()`` runs, on a stand-in for AnsibleModule.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.json import AnsibleJSONEncoder
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils import common
from ansible_collections.amazon.aws.plugins.module_utils.botocore import HAS_BOTO3
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import models_read_once, read_ahead
from ansible_collections.trading.multi_region.plugins.plugin_utils.background import begin

# Ansible loads an action plugin before it forks a process for the task: what is imported and read here, all forks have.
SERVICES = ("autoscaling", "cloudwatch", "dynamodb", "elbv2", "rds", "s3", "sns", "ssm")
if HAS_BOTO3:
    read_ahead(SERVICES)
    # None of it becomes garbage before the end, so no collection need walk through it, neither here nor in a fork.
    gc.freeze()

# The latest of amazon.aws that `make matrix` runs with; its module_utils, built on here, may change with the next.
TESTED = 11


def warn_of_untested(version):
    """Warn where amazon.aws is of a later major version than all those tested, or does not say of which."""
    major = version.partition(".")[0]
    if not major.isdigit() or int(major) > TESTED:
        found = version or "of an unknown version"
        Display().warning(
            f"amazon.aws {found} is none that trading.multi_region was tested with (10 and {TESTED}). If a playbook"
            f" fails, take one that was: ansible-galaxy collection install --force 'amazon.aws:<{TESTED + 1}'"
        )


warn_of_untested(getattr(common, "AMAZON_AWS_COLLECTION_VERSION", ""))


class ModuleExit(SystemExit):
    """main() is done. Like the exit of a real module it passes every ``except Exception``."""

    def __init__(self, result):
        super().__init__()
        self.result = result


class InProcessModule:
    """What AnsibleAWSModule and the modules need of AnsibleModule: checked options, warnings and two exits.

    options: the task's, as JSON brings them to a module.
    no_log: whether to keep the options out of syslog, where nothing goes from here.
    rules: the relations between options, such as required_if, by AnsibleModule's names.
    """

    def __init__(self, task, options, argument_spec, supports_check_mode=False, no_log=True, **rules):
        self.check_mode = task.check_mode
        self._diff = task.diff
        self._name = task.action
        self._warnings = []
        checked = ModuleArgumentSpecValidator(argument_spec, **rules).validate(options)
        self.params = checked.validated_parameters
        self._secrets = checked._no_log_values
        if checked.error_messages:
            message = checked.errors.msg
            if isinstance(checked.errors[0], UnsupportedError):
                message = f"Unsupported parameters for ({self._name}) module: {message}"
            self.fail_json(message)
        if self.check_mode and not supports_check_mode:
            self.exit_json(skipped=True, msg=f"remote module ({self._name}) does not support check mode")

    def warn(self, warning):
        self._warnings.append(warning)

    def deprecate(self, msg, version=None, date=None, collection_name=None):
        Display().deprecated(msg, version=version, date=date, collection_name=collection_name)

    def boolean(self, arg):
        return None if arg is None else boolean(arg)

    def debug(self, msg):
        """A module writes these to its machine's syslog, when that is asked for; here nothing goes there."""

    def exit_json(self, **result):
        result.setdefault("invocation", {"module_args": self.params})
        if self._warnings:
            result["warnings"] = list(dict.fromkeys(self._warnings))
        # A flag is no secret, even where a secret reads like one.
        flags = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
        raise ModuleExit(plain({**remove_values(result, self._secrets), **flags}))

    def fail_json(self, msg, exception=None, **result):
        self.exit_json(**{**result, "failed": True, "msg": str(msg)})


class InProcessModuleOf:
    """Makes the stand-in of a task where AnsibleAWSModule would make an AnsibleModule; ``options`` are the task's."""

    def __init__(self, task):
        self.task = task
        self.options = plain(task.args)

    def __call__(self, **specification):
        return InProcessModule(self.task, self.options, **specification)


class InProcessAction(ActionBase):
    """Runs a module here where that is the same, and as an ordinary module everywhere else."""

    _supports_async = True

    module = None  # the Python module in some collection's plugins/modules

    def run(self, tmp=None, task_vars=None):
        if not self.belongs_here(task_vars or {}):
            beside = bool(self._task.async_val)
            return {**super().run(tmp, task_vars), **self._execute_module(task_vars=task_vars, wrap_async=beside)}
        if not self._task.async_val:
            return self.main()
        try:
            return begin(self.main, self._task.async_val, self.get_shell_option("async_dir", "~/.ansible_async"))
        except OSError as error:
            raise AnsibleActionFail(f"{self._task.action} was not started: {error}") from error

    def main(self):
        """Return what the module's own main() ends with."""
        environment = {}
        self._compute_environment_string(environment)
        with (
            surroundings(environment, self._loader.get_basedir()),
            module_class(InProcessModuleOf(self._task)),
            models_read_once(),
        ):
            try:
                self.module.main()
            except ModuleExit as left:
                return left.result
        raise AnsibleActionFail(f"{self._task.action} ended without a result.")

    def belongs_here(self, task_vars):
        """Return whether the module would run on this machine, as this user, by this Python, and is not asked after."""
        return (
            HAS_BOTO3
            and not (self._task.async_val and (self._task.poll or self._task.check_mode))
            and self._connection.transport == "local"
            and not self._connection.become
            and self.is_this_python(task_vars)
        )

    def is_this_python(self, task_vars):
        """Return whether no other Python was chosen for the host; one in the same directory has the same packages."""
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        chosen = constants.config.get_config_value("INTERPRETER_PYTHON", variables=task_vars)
        chosen = str(self._templar.template(chosen))
        return chosen.startswith("auto") or os.path.dirname(chosen) == os.path.dirname(sys.executable)


@contextlib.contextmanager
def surroundings(environment, directory):
    """Give the block the environment and the working directory that a module would be started with."""
    before = dict(os.environ), os.getcwd()
    os.environ.update({name: str(value) for name, value in environment.items()})
    os.chdir(directory)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before[0])
        os.chdir(before[1])


@contextlib.contextmanager
def module_class(stand_in):
    """Let AnsibleAWSModule build on the stand-in. Ansible runs one task in a process, so nobody else meets it."""
    settings = AnsibleAWSModule.default_settings
    before = settings["module_class"]
    settings["module_class"] = stand_in
    try:
        yield
    finally:
        settings["module_class"] = before


def plain(value):
    """Return the value as JSON takes it to a module and back: decrypted, with no marks of trust and origin."""
    return json.loads(json.dumps(value, cls=AnsibleJSONEncoder, vault_to_text=True))
