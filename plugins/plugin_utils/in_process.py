# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Running a module that is built on AnsibleAWSModule inside the controller's process.

As a module, a task packs its code, starts another Python, unpacks and compiles the code there and imports boto3. The
process that Ansible forks for the task has all of that already (figures: docs/speed.md). The module file stays the only
place that knows its options and its work: its own ``main()`` runs, with a substitute for AnsibleModule.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.json import AnsibleJSONEncoder
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader, test_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils import common
from ansible_collections.amazon.aws.plugins.module_utils.botocore import HAS_BOTO3
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.trading.multi_region.plugins.module_utils._core import controller
from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import models_read_once, read_ahead
from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import VARIABLE as CREDENTIALS
from ansible_collections.trading.multi_region.plugins.module_utils._core.credentials import create_session_in_advance
from ansible_collections.trading.multi_region.plugins.plugin_utils.background import begin

# How the names of our own plugins begin.
OWN = "trading.multi_region."
# Ansible loads an action plugin before it forks a process for the task: all forks share what is imported and read here.
SERVICES = ("autoscaling", "cloudwatch", "dynamodb", "elbv2", "rds", "s3", "sns", "ssm")
if HAS_BOTO3:
    read_ahead(SERVICES)
    create_session_in_advance()
    if AnsibleCollectionConfig.collection_finder:
        # A fork that looks up one filter or test of a collection, or of ansible.builtin, would load the files of all.
        filter_loader.get(f"{OWN}partition")
        test_loader.get("ansible.builtin.defined")
    # None of these objects becomes garbage before the end, so no collection has to scan them, here or in a fork.
    gc.freeze()

# The variable with the settings of every region's credentials.
SETTINGS = "platform_credentials"
# The latest version of amazon.aws that `make matrix` tests; its module_utils, used here, may change with the next.
TESTED = 11


def warn_of_untested(version):
    """Warn if the major version of amazon.aws is later than the tested ones, or unknown."""
    major = version.partition(".")[0]
    if not major.isdigit() or int(major) > TESTED:
        found = version or "of an unknown version"
        Display().warning(
            f"trading.multi_region was not tested with amazon.aws {found} (tested: 10 and {TESTED}). If a playbook"
            f" fails, install a tested version: ansible-galaxy collection install --force 'amazon.aws:<{TESTED + 1}'"
        )


warn_of_untested(getattr(common, "AMAZON_AWS_COLLECTION_VERSION", ""))


class ModuleExit(SystemExit):
    """main() has finished. Like the exit of a real module, it passes every ``except Exception``."""

    def __init__(self, result):
        super().__init__()
        self.result = result


class InProcessModule:
    """The part of AnsibleModule that AnsibleAWSModule and the modules need: checked options, warnings and two exits.

    options: the task's, in the form in which JSON passes them to a module.
    no_log: whether to keep the options out of syslog, to which nothing is written here.
    rules: relations between options, such as required_if, by AnsibleModule's names.
    """

    # Whether its clients refuse every changing call in check mode, so that a module without check mode may run too.
    is_guarded = False

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
        if self.check_mode and not supports_check_mode and not self.is_guarded:
            self.exit_json(skipped=True, msg=f"remote module ({self._name}) does not support check mode")

    def warn(self, warning):
        self._warnings.append(warning)

    def deprecate(self, msg, version=None, date=None, collection_name=None):
        Display().deprecated(msg, version=version, date=date, collection_name=collection_name)

    def boolean(self, arg):
        return None if arg is None else boolean(arg)

    def debug(self, msg):
        """Do nothing: a module would write to its machine's syslog, if configured; here nothing is written to it."""

    def exit_json(self, **result):
        result.setdefault("invocation", {"module_args": self.params})
        if self._warnings:
            result["warnings"] = list(dict.fromkeys(self._warnings))
        # A flag is not a secret, even if a secret has the same text.
        flags = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
        raise ModuleExit(plain({**remove_values(result, self._secrets), **flags}))

    def fail_json(self, msg, exception=None, **result):
        self.exit_json(**{**result, "failed": True, "msg": str(msg)})


class InProcessModuleOf:
    """Creates the substitute when AnsibleAWSModule would create an AnsibleModule; ``options`` are the task's.

    kind: class of the substitute. made: the substitute, once the module has created it.
    """

    def __init__(self, task, kind=InProcessModule):
        self.task = task
        self.options = plain(task.args)
        self.kind = kind
        self.made = None

    def __call__(self, **specification):
        self.made = self.kind(self.task, self.options, **specification)
        return self.made


class InProcessAction(ActionBase):
    """Runs a module in this process if that is equivalent, and as an ordinary module otherwise."""

    _supports_async = True

    module = None  # the Python module in the collection's plugins/modules
    stand_in = InProcessModule

    def run(self, tmp=None, task_vars=None):
        task_vars = task_vars or {}
        self.name_credentials(task_vars)
        if not self.belongs_here(task_vars):
            is_async = bool(self._task.async_val)
            self.name_controller()
            return {**super().run(tmp, task_vars), **self._execute_module(task_vars=task_vars, wrap_async=is_async)}
        with work_for(controller_process()), cancellable():
            return self.start()

    def start(self):
        """Run the module, or begin to."""
        if not self._task.async_val:
            return self.main()
        try:
            return begin(self.main, self._task.async_val, self.get_shell_option("async_dir", "~/.ansible_async"))
        except OSError as error:
            raise AnsibleActionFail(f"{self._task.action} was not started: {error}") from error

    def name_controller(self):
        """Let a module that another Python on this machine runs know for which process it works."""
        parent = multiprocessing.parent_process()
        if parent and self._connection.transport == "local" and self._task.action.startswith(OWN):
            pids = " ".join([str(parent.pid), *os.environ.get(controller.VARIABLE, "").split()])
            self._task.environment = [*(self._task.environment or []), {controller.VARIABLE: pids}]

    def name_credentials(self, task_vars):
        """Let the module know with what the playbook's variables give it the credentials of each region."""
        settings = self._templar.template(task_vars.get(SETTINGS)) or {}
        if settings and self._task.action.startswith(OWN):
            self._task.environment = [*(self._task.environment or []), {CREDENTIALS: json.dumps(settings)}]

    def sessions(self):
        """Return the context in which the module's clients are created."""
        return contextlib.nullcontext()

    def main(self):
        """Return the result with which the module's own main() exits."""
        environment = {}
        self._compute_environment_string(environment)
        self.substitute = InProcessModuleOf(self._task, self.stand_in)
        with (
            unlogged(),
            surroundings(environment, self._loader.get_basedir()),
            module_class(self.substitute),
            models_read_once(),
            self.sessions(),
        ):
            try:
                self.module.main()
            except ModuleExit as finished:
                return finished.result
        raise AnsibleActionFail(f"{self._task.action} ended without a result.")

    def belongs_here(self, task_vars):
        """Return whether the module would run on this machine, as this user, with this Python, and is not polled."""
        return (
            HAS_BOTO3
            and not (self._task.async_val and (self._task.poll or self._task.check_mode))
            and self._connection.transport == "local"
            and not self._connection.become
            and self.is_this_python(task_vars)
        )

    def is_this_python(self, task_vars):
        """Return whether the host uses no other Python; one in the same directory has the same packages."""
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        chosen = constants.config.get_config_value("INTERPRETER_PYTHON", variables=task_vars)
        chosen = str(self._templar.template(chosen))
        return chosen.startswith("auto") or os.path.dirname(chosen) == os.path.dirname(sys.executable)


def controller_process():
    """Return the process that started this worker, ansible-playbook, or None if this is no worker."""
    parent = multiprocessing.parent_process()
    if not parent:
        return None
    return controller.Chain(controller.Process(parent.pid, is_parent=True), controller.named())


@contextlib.contextmanager
def work_for(process):
    """Stop the work of the block when the process ends; a fork that is made in the block watches it too."""
    before = controller.watch(process)
    try:
        yield
    finally:
        controller.watch(before)


class Cancelled(BaseException):
    """A signal has ended the task: ansible-playbook was interrupted, or its job was cancelled."""


@contextlib.contextmanager
def cancellable():
    """Give back what the work of the block holds, such as its run's lease, before a signal ends this process.

    ansible-playbook passes SIGTERM and SIGINT on to its workers, whose handlers end them on the spot
    (``TaskQueueManager._signal_handler`` and ``WorkerProcess._term`` of ansible-core 2.19).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number, _frame):
        raise Cancelled(number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except Cancelled as cancelled:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        controller.cancel()
        restore(before)
        os.kill(os.getpid(), cancelled.args[0])
        raise
    finally:
        restore(before)


def restore(handlers):
    """Set signal handlers."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextlib.contextmanager
def unlogged():
    """Keep what libraries log, such as botocore, out of Ansible's log_path, as a module's own process does.

    Another thread of ansible-playbook may have been writing to that file when this worker was forked. In a fork logging
    renews its own locks, but not that of the file's buffer: whoever writes to it would wait for ever.
    """
    root = logging.getLogger()
    before, root.handlers = root.handlers, [logging.NullHandler()]
    try:
        yield
    finally:
        root.handlers = before


@contextlib.contextmanager
def surroundings(environment, directory):
    """Set the environment and working directory that a module would be started with, for the block."""
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
    """Make AnsibleAWSModule use the substitute. Ansible runs one task per process, so nothing else is affected."""
    settings = AnsibleAWSModule.default_settings
    before = settings["module_class"]
    settings["module_class"] = stand_in
    try:
        yield
    finally:
        settings["module_class"] = before


def plain(value):
    """Return the value as JSON would pass it to a module and back: decrypted, without tags of trust and origin."""
    return json.loads(json.dumps(value, cls=AnsibleJSONEncoder, vault_to_text=True))
