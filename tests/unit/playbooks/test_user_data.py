# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The script with which an instance starts its container, run with nothing but Bash, coreutils and what it installs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "roles" / "application" / "templates" / "user_data.sh.j2"
VARIABLES = {
    "application_name": "trading-app-dev",
    "application_port": 8080,
    "application_placeholder": True,
    "application_health_path": "/health",
    "application_image": "nginx",
    "aws_region": "us-east-1",
    "encryption_secret_name": "secret",
    "session_table_name": "sessions",
    "object_storage_bucket": "data",
    "global_database_outputs": {"reader_endpoint": "reader.example", "endpoint_parameter": "/trading/writer"},
}
# Of the image: coreutils, which Amazon Linux 2023 has. `aws` and `docker` are there too, or installed by the user data.
COREUTILS = ("cat", "mv")
STUB = '#!/bin/bash\necho "$0 $*" >> "{log}"\n{does}\n'


def user_data() -> str:
    """The text as Ansible's template lookup makes it."""
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(TEMPLATE.read_text()).render(VARIABLES)


class Instance:
    """The script in a folder that stands for /etc/application; its `aws` and `docker` write down their calls."""

    def __init__(self, folder: Path) -> None:
        self.log, self.endpoint = folder / "calls", folder / "endpoint"
        self.bin, etc = folder / "bin", folder / "etc"
        for one in (self.bin, etc):
            one.mkdir()
        for name in COREUTILS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.stub("aws", f'echo "$(< {self.endpoint})"')
        self.stub("docker", "")
        text = user_data()
        script = text.split("<<'START'\n")[1].split("START\n")[0].replace("/etc/application", str(etc))
        fixed = text.split("<<'ENV'\n")[1].split("ENV\n")[0]
        (etc / "fixed.env").write_text(fixed)
        self.script = folder / "application-start"
        self.script.write_text(script)
        self.env = etc / "env"

    def stub(self, name: str, does: str) -> None:
        (self.bin / name).write_text(STUB.format(log=self.log, does=does))
        (self.bin / name).chmod(0o755)

    def starts(self, endpoint: str) -> int:
        """How many containers one run of the script starts when the parameter has this value."""
        self.endpoint.write_text(f"{endpoint}\n")
        self.log.write_text("")
        bash = shutil.which("bash")
        ran = subprocess.run(
            [bash, str(self.script)], env={"PATH": str(self.bin)}, capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        return self.log.read_text().count("docker run")


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


def test_the_container_is_started_once_for_each_endpoint(instance: Instance) -> None:
    assert [instance.starts(endpoint) for endpoint in ("a", "a", "b", "b", "a")] == [1, 0, 1, 0, 1]
    assert "DB_ENDPOINT=a\n" in instance.env.read_text()


def test_a_container_that_is_gone_is_started_again(instance: Instance) -> None:
    assert instance.starts("a") == 1
    instance.stub("docker", '[[ "$*" != "container inspect application" ]]')
    assert instance.starts("a") == 1


def test_the_whole_text_is_one_that_bash_can_read() -> None:
    text = user_data()
    checked = subprocess.run([shutil.which("bash"), "-n"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
