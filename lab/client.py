# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab as a Python object, for tests and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lab import daemon
from lab.clock import DEFAULT_SCALE


@cache
def _session() -> Any:
    """One boto3 session for all clients: it reads each service's model only once."""
    import boto3

    return boto3.session.Session()


class Lab:
    """A running lab, from `Lab.start` (or `Lab.at` for one that runs); end it with `stop` or a `with` block."""

    def __init__(self, directory: Path, state: Mapping[str, Any]) -> None:
        self.directory = directory
        self.url: str = state["url"]
        self.pid: int = state["pid"]
        self.port: int = state["port"]
        self.dns_port: int = state["dns"]
        self.scale: float = state["scale"]
        self._clients: dict[tuple[str, ...], Any] = {}  # making one takes longer than most calls to the lab

    @classmethod
    def start(cls, dir: str | Path = ".lab", scale: float = DEFAULT_SCALE, port: int = 0) -> Lab:
        """Start a lab, or use the one that runs in the directory. `scale` is AWS seconds per lab second."""
        directory = Path(dir).resolve()
        return cls(directory, daemon.read_state(directory) or daemon.spawn(directory, scale, port))

    @classmethod
    def at(cls, dir: str | Path = ".lab") -> Lab:
        """The lab that runs in a directory; raises LabError when none does."""
        directory = Path(dir).resolve()
        return cls(directory, daemon.running(directory))

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it by its own process id; it is no error if it has already ended."""
        daemon.stop(self.directory)

    def env(self) -> dict[str, str]:
        """The variables of <dir>/env."""
        return daemon.environment(self.port, self.dns_port)

    def client(self, service: str, region: str = "us-east-1", **config: Any) -> Any:
        """A boto3 client with short time-outs and no retries; `config` goes to botocore's Config."""
        env = self.env()
        key = {"AccessKeyId": env["AWS_ACCESS_KEY_ID"], "SecretAccessKey": env["AWS_SECRET_ACCESS_KEY"]}
        return self.client_with(key, service, region, **config)

    def client_of_account(self, account: str, service: str, region: str = "us-east-1", **config: Any) -> Any:
        """Like `client`, of another account's administrator: its role of AWS Organizations."""
        arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        taken = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="administrator")
        return self.client_with(taken["Credentials"], service, region, **config)

    def client_with(self, key: Mapping[str, Any], service: str, region: str = "us-east-1", **config: Any) -> Any:
        """Like `client`, with an access key as IAM or STS shows it."""
        kept = (service, region, repr(sorted(config.items())), key["SecretAccessKey"], key.get("SessionToken") or "")
        if kept not in self._clients:
            self._clients[kept] = self._new_client(key, service, region, config)
        return self._clients[kept]

    def _new_client(self, key: Mapping[str, Any], service: str, region: str, config: Mapping[str, Any]) -> Any:
        from botocore.config import Config

        settings = {"connect_timeout": 2, "read_timeout": 10, "retries": {"total_max_attempts": 1}, **config}
        return _session().client(
            service,
            region_name=region,
            endpoint_url=self.env()["AWS_ENDPOINT_URL"],
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
            config=Config(**settings),
        )

    def state(self) -> dict[str, Any]:
        """Where it runs and what is broken in it."""
        return daemon.ask(self.url, "GET", "state")

    def outage(self, region: str, mode: str = "hang") -> None:
        """Lose a region (or `aws-global`): mode hang, reset, 5xx, throttle or partition."""
        daemon.ask(self.url, "POST", "outage", region=region, mode=mode)

    def restore(self, region: str | None = None) -> None:
        """Bring a region back, all without one."""
        daemon.ask(self.url, "POST", "restore", region=region)

    def calls(self, since: float = 0.0) -> list[dict[str, Any]]:
        """API calls in the order in which they ended, those begun at or after a Unix time."""
        return daemon.ask(self.url, "GET", "calls", since=since)

    def timeline(self, since: float = 0.0) -> list[dict[str, Any]]:
        """What the platform was, one entry whenever it changed, since a Unix time (shape: lab/timeline.py)."""
        return daemon.ask(self.url, "GET", "timeline", since=since)

    def reachability(self, since: float = 0.0) -> list[dict[str, Any]]:
        """What could be reached, one entry whenever it changed, since a Unix time (shape: lab/reachability.py)."""
        return daemon.ask(self.url, "GET", "reachability", since=since)

    def clear_calls(self) -> None:
        """Forget the calls so far."""
        daemon.ask(self.url, "POST", "calls/clear")

    def resolve(self, name: str) -> dict[str, Any]:
        """What a name answers with now, and why (shape: lab/route53.py)."""
        return daemon.ask(self.url, "GET", "resolve", name=name)

    def set_targets(self, region: str, state: str, target_group: str | None = None, healthy: int = 0) -> None:
        """Let targets be `healthy` or `unhealthy`; the first `healthy` registered ones stay healthy."""
        options = {"region": region, "state": state, "target_group": target_group, "healthy": healthy}
        daemon.ask(self.url, "POST", "targets", **options)

    def limit_instances(self, region: str, at_most: int | None = None, type: str | None = None) -> None:
        """AWS can run no more than so many instances of a region's groups, of one type or of all; None = as many."""
        daemon.ask(self.url, "POST", "instances", region=region, at_most=at_most, type=type)

    def accepts_password(self, region: str, cluster: str, password: str) -> bool:
        """Whether a login to a region's cluster succeeds with a password."""
        return daemon.ask(self.url, "POST", "login", region=region, cluster=cluster, password=password)["accepted"]

    def set_database(self, region: str, cluster: str, status: str | None = None, instances: str | None = None) -> None:
        """Put a cluster, or all of its instances, into a state such as `backing-up`."""
        states = {"status": status, "instance_status": instances}
        daemon.ask(self.url, "POST", "database", region=region, cluster=cluster, **states)

    def attach_data_plane(self, url: str | None) -> dict[str, Any]:
        """Have the lab call a data plane (lab/data_plane.py); returns {region: addresses}. None detaches it."""
        return daemon.ask(self.url, "POST", "data_plane", at=url)

    def record(self, into: str | Path | None) -> None:
        """Append every answer of AWS to a file from now on (lab/recorder.py); None stops."""
        daemon.ask(self.url, "POST", "record", into=None if into is None else str(Path(into).resolve()))

    def fault(self, mode: str, **options: Any) -> int:
        """Add a fault (region, service, operation, seconds, probability, count); returns its id.

        mode: latency (then the answer), throttle, 5xx, hang, reset (nothing is done), lost_answer (the call is carried
        out, then the connection is reset), stale (an old answer once after a change, see lab/stale.py), or what a
        proxy does: trickle, truncated, empty, html, doubled, expired (see lab/faults.py).
        `hits` in `state()["faults"]` is the number of requests that it has hit.
        """
        return daemon.ask(self.url, "POST", "faults", mode=mode, **options)["id"]

    def clear_faults(self, fault_id: int | None = None) -> None:
        """Remove one fault, all without an id."""
        daemon.ask(self.url, "POST", "faults/clear", **({} if fault_id is None else {"id": fault_id}))

    def settings(self, **values: Any) -> None:
        """Change the settings of lab/services/settings.py, for example failover_s=20."""
        daemon.ask(self.url, "POST", "settings", **values)

    def advance(self, seconds: float) -> None:
        """Let AWS seconds pass immediately: states that take time are reached, samples become readable and older."""
        daemon.ask(self.url, "POST", "advance", seconds=seconds)

    def reset(self) -> None:
        """Empty the world: every resource, outage, fault and call."""
        daemon.ask(self.url, "POST", "reset")

    def fork(self, dir: str | Path, scale: float | None = None) -> Lab:
        """A new lab process with a copy of the whole state, to break while this one stays whole."""
        copy = daemon.ask(self.url, "POST", "fork", dir=str(Path(dir).resolve()), scale=scale)
        directory = Path(copy["dir"])
        daemon.ask(f"http://127.0.0.1:{copy['port']}", "GET", "state")
        return type(self)(directory, daemon.running(directory))
