# SPDX-License-Identifier: GPL-3.0-or-later
"""A MariaDB server for each cluster: asynchronous replication by GTID through a relay.

A new volume is a copy of one empty data folder; a replica with it receives the writer's whole binary log. Commands
come through each server's socket file, so that a cut link does not stop them.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pymysql

from tests.gameday.relay import Relay
from tests.gameday.requirements import program

START_TIMEOUT_S = 40
# A server ignores what comes back under its own id, so each new volume has another: ids of a region differ by this.
VOLUMES = 10
USER, PASSWORD, SCHEMA = "application", "application", "trading"
SQL = f"""
CREATE DATABASE {SCHEMA};
CREATE TABLE {SCHEMA}.orders (attempt VARCHAR(64) PRIMARY KEY, number VARCHAR(64) NOT NULL, once VARCHAR(64) NULL,
  server INT NOT NULL, UNIQUE KEY (once), KEY (number)) ENGINE=InnoDB;
CREATE TABLE {SCHEMA}.heartbeat (id INT PRIMARY KEY, at DOUBLE NOT NULL) ENGINE=InnoDB;
CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT SELECT, INSERT, UPDATE, DELETE ON {SCHEMA}.* TO '{USER}'@'%';
CREATE USER 'replica'@'%' IDENTIFIED BY 'replica';
GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%';
"""
LOOSE = [
    "--no-defaults",
    "--user=root",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--performance-schema=OFF",
    "--skip-name-resolve",
]


def make_template(folder: Path) -> None:
    """An empty data folder with the schema and users, in about 3 seconds."""
    command = [program("mariadb-install-db"), *LOOSE[:2], f"--datadir={folder}", "--skip-test-db"]
    command += ["--auth-root-authentication-method=normal"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    server = [program("mariadbd"), *LOOSE, f"--datadir={folder}", "--bootstrap", "--skip-log-bin"]
    # Grants need the privilege tables, which a bootstrap does not load by itself.
    script = "FLUSH PRIVILEGES;\n" + SQL.strip().replace("\n  ", " ") + "\n"
    done = subprocess.run(server, input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mariadbd --bootstrap failed:\n{done.stderr[-2000:]}")


class Database:
    """The server of one region. `follows`: the region that it receives from, None for one that takes writes."""

    def __init__(self, region: str, number: int, address: str, port: int, folder: Path, relay: Relay) -> None:
        self.region, self.number, self.address, self.port = region, number, address, port
        self.folder, self.relay = folder, relay
        self.process: subprocess.Popen | None = None
        self.follows: str | None = None
        self.socket = folder.parent / f"{region}.sock"
        self.lock = threading.RLock()

    def start(self, template: Path, read_only: bool) -> None:
        """A new volume, and a server on it."""
        if self.process is not None:
            self.number += VOLUMES
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(template, self.folder)
        options = [
            *LOOSE,
            f"--datadir={self.folder}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder}/pid",
            f"--bind-address={self.address}",
            f"--port={self.port}",
            f"--server-id={self.number}",
            "--log-bin=log",
            "--binlog-format=ROW",
            "--log-slave-updates",
            "--slave-net-timeout=4",
            "--innodb-flush-log-at-trx-commit=2",
            "--thread-stack=256K",
            "--max-connections=200",
            f"--read-only={int(read_only)}",
        ]
        log = (self.folder.parent / f"{self.region}.log").open("a")
        with log:
            self.process = subprocess.Popen(
                [program("setpriv"), "--pdeathsig", "KILL", program("mariadbd"), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.ask("SELECT 1")
                return
            except pymysql.Error as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"mariadbd of {self.region} did not start, see {log.name}") from error
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def connect(self, user: str = "root", password: str = "", **more: Any) -> pymysql.Connection:
        return pymysql.connect(
            unix_socket=str(self.socket), user=user, password=password, autocommit=True, read_timeout=10, **more
        )

    def ask(self, *statements: str) -> list[dict[str, Any]]:
        """Carry out statements as root; the rows of the last."""
        with contextlib.closing(self.connect(cursorclass=pymysql.cursors.DictCursor)) as link, link.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def position(self) -> int:
        """How many transactions it holds: the last part of its GTID."""
        gtid = self.ask("SELECT @@gtid_current_pos AS at")[0]["at"]
        return int(gtid.rsplit("-", 1)[-1]) if gtid else 0

    def promote(self) -> None:
        with self.lock:
            self.ask("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only=0")
            self.follows = None

    def forbid_writes(self) -> None:
        self.ask("SET GLOBAL read_only=1")

    def unfollow(self) -> None:
        with self.lock:
            self.ask("STOP SLAVE")

    def follow(self, writer: Database) -> None:
        with self.lock:
            self.ask("STOP SLAVE", "SET GLOBAL read_only=1")
            self.relay.connect_to(writer.address, writer.port)
            self.ask(
                f"CHANGE MASTER TO master_host='{self.relay.address}', master_port={self.relay.port}, "
                "master_user='replica', master_password='replica', master_use_gtid=current_pos, "
                "master_connect_retry=1, master_heartbeat_period=1",
                "START SLAVE",
            )
            self.follows = writer.region

    def lag_s(self) -> float | None:
        """How old the newest heartbeat is that has arrived."""
        rows = self.ask(f"SELECT at FROM {SCHEMA}.heartbeat")
        return time.time() - rows[0]["at"] if rows else None

    def orders(self) -> dict[str, list[int]]:
        """{order number: the server that took each of its rows}."""
        found: dict[str, list[int]] = {}
        for row in self.ask(f"SELECT number, server FROM {SCHEMA}.orders"):
            found.setdefault(row["number"], []).append(row["server"])
        return found


class Heart:
    """Writes the time to every server that takes writes, a few times a second.

    Not as root, whom `read_only` does not bind: a write on a replica would make its GTIDs differ from the writer's.
    """

    def __init__(self, databases: list[Database], beat_s: float = 0.2) -> None:
        self.databases, self.beat_s = databases, beat_s
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.stopping.wait(self.beat_s):
            for database in self.databases:
                if database.follows is None:
                    with contextlib.suppress(pymysql.Error, OSError):
                        self._beat(database)

    @staticmethod
    def _beat(database: Database) -> None:
        with contextlib.closing(database.connect(USER, PASSWORD)) as link, link.cursor() as cursor:
            cursor.execute(f"REPLACE INTO {SCHEMA}.heartbeat VALUES (1, %s)", (time.time(),))

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(10)
