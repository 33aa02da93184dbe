# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request from the internet gets from a name: for health checkers and for HTTP probes."""

from __future__ import annotations

import ipaddress

from moto.route53.models import HealthCheck

from lab import anonymous_s3, elb, route53
from lab.checks import CHECKS, Measurement
from lab.elb import Fetched
from lab.faults import Answer, Fault
from lab.services import accelerator
from lab.services.security_groups import CHECKERS, admits
from lab.services.settings import SETTINGS
from lab.services.wafv2 import needs_user_agent
from lab.world import WORLD, once_a_look

SEARCHED_BYTES = 5120  # API, HealthCheckConfig, Type: HTTP_STR_MATCH searches the first 5,120 bytes of the body


@once_a_look
def fetch(host: str, port: int, path: str, https: bool) -> Fetched:
    """What an HTTP request of Route 53's checkers to a name or an address gets."""
    if anonymous_s3.bucket_of_host(host):
        return anonymous_s3.get(host, path, https)
    balancer = balancer_of(host)
    if balancer is None:
        return Fetched(None, f"{host} does not lead to a load balancer of the lab")
    if not admits(balancer.region, balancer.arn, [port], CHECKERS):
        return Fetched(None, "Resource is not reachable: connection timed out")
    return elb.request(balancer, port)


def balancer_of(host: str) -> elb.LoadBalancer | None:
    """The load balancer a request to a name or address reaches."""
    edge = accelerator.accelerator_of(host)
    if edge:
        return next(iter(accelerator.reached(edge)), None)
    try:
        return elb.load_balancer_at(str(ipaddress.ip_address(host)))
    except ValueError:
        pass
    named = elb.load_balancer_named(host)
    if named:
        return named
    found = route53.DnsAnswer()
    route53.look_up(found, route53.plain(host), "A")
    return found.balancers[0] if found.balancers else None


def measure(check: HealthCheck) -> Measurement:
    """What a checker finds now: 2xx or 3xx within the time, and the search string in a STR_MATCH check's body."""
    https = check.type_.startswith("HTTPS")
    port = int(check.port or (443 if https else 80))
    found = fetch(check.ip_address or check.fqdn or "", port, check.resource_path or "/", https)
    if found.status is None:
        return Measurement(False, f"Failure: {found.reason}")
    if check.type_ == "TCP":
        return Measurement(True, "Success: connected")
    text = f"HTTP Status Code {found.status}, {found.reason}"
    if not 200 <= found.status < 400:
        return Measurement(False, f"Failure: {text}")
    if check.type_.endswith("STR_MATCH") and (check.search_string or "").encode() not in found.body[:SEARCHED_BYTES]:
        return Measurement(False, f"Failure: {text}. The search string was not found")
    return Measurement(True, f"Success: {text}")


def probe(host: str, user_agent: str = "") -> Answer | Fault | None:
    """The answer to an HTTP request whose Host is a load balancer's or a hosted name; None for another host.

    Any path and port will do, and a redirecting listener is skipped: the probe tests whether the region serves. In
    a lost region the load balancer does not answer (hang, reset), or answers 503 where the outage is one of errors.
    """
    balancer = balancer_of(host)
    if balancer is None:
        return None
    mode = WORLD.outages.get(balancer.region)
    if mode in ("hang", "reset"):
        return Fault(mode=mode, id=0)
    ports = [int(listener.port) for listener in balancer.listeners]
    if not admits(balancer.region, balancer.arn, ports, [SETTINGS.controller_address]):
        return Fault(mode="hang", id=0)
    found = elb.request(balancer, None)
    if not user_agent and needs_user_agent(balancer.region, balancer.arn):
        found = Fetched(403, "blocked by the web ACL")
    headers = [("X-Lab-Load-Balancer", balancer.name), ("X-Lab-Region", balancer.region)]
    headers.append(("Content-Type", "text/plain"))
    return Answer(found.status or 503, headers, found.body or f"{found.reason}\n".encode())


def install() -> None:
    """Let the health checks look at the lab's endpoints, on time."""
    CHECKS.measure = measure
    WORLD.tick_hooks.append(CHECKS.observe)
    WORLD.reset_hooks.append(CHECKS.forget)
