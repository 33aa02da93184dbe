# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about where a name leads, against names in memory."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.names import Answer, NotFound
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import WaitTimeout
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import resolve as info
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.traffic_dials import Group
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error

A, B = "us-east-1", "us-east-2"
DOMAIN = "trading.example.com"
BALANCERS = {A: "alb.us-east-1.example.com", B: "alb.us-east-2.example.com"}


def answer(*addresses, names=()):
    return Answer(frozenset(addresses), frozenset(names))


class Names:
    """A resolver over a dict of name to Answer; a list answers one after the other."""

    def __init__(self, **answers):
        self.answers = {
            DOMAIN: answers.get("domain"),
            BALANCERS[A]: answers.get("a", answer("192.0.2.1", "192.0.2.2")),
            BALANCERS[B]: answers.get("b", answer("192.0.2.9")),
        }

    def look_up(self, name):
        found = self.answers[name]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if found is None:
            raise NotFound(f"{name}: nobody knows it")
        return found

    look_up_anywhere = look_up


DEFAULTS = {
    "domain": DOMAIN,
    "load_balancers": BALANCERS,
    "dns_servers": [],
    "probe_path": None,
    "probe_scheme": "http",
    "probe_proxy": None,
    "answer_timeout": 1.0,
    "expected_region": None,
    "wait_timeout": 0,
    "poll_interval": 1.0,
}


def run(names, prober=None, **options):
    params = {**DEFAULTS, **options}

    def poll(read, done, timeout, interval, sleep):
        for _try in range(3):
            state = read()
            if done(state):
                return state
        raise WaitTimeout(state, None, timeout)

    prober = prober or (lambda *args: {"status": 200, "milliseconds": 3})
    return info.run(params, resolver=names, prober=prober, poll=poll)


@pytest.mark.parametrize(("check_mode", "renewals"), [(False, 2), (True, 0)])
def test_waits_under_the_lease_except_in_check_mode(monkeypatch, check_mode, renewals):
    slept = []
    lease = SimpleNamespace(sleep=slept.append)
    monkeypatch.setattr(info, "lease_of", lambda params, clients: lease)
    monkeypatch.setattr(info, "NoLease", lambda: SimpleNamespace(sleep=lambda seconds: None))
    names = Names(domain=[answer("192.0.2.1"), answer("192.0.2.1"), answer("192.0.2.9")])
    params = {**DEFAULTS, "expected_region": B, "wait_timeout": 60, "lease": {"run_id": "1"}}
    assert info.run(params, check_mode=check_mode, resolver=names)["active_region"] == B
    assert len(slept) == renewals


def test_knows_the_region_by_a_shared_address():
    result = run(Names(domain=answer("192.0.2.2")))
    assert (result["active_region"], result["matches"], result["probe"]) == (A, True, None)


def test_knows_the_region_by_a_cname():
    assert run(Names(domain=answer("203.0.113.7", names=[BALANCERS[B]])))["active_region"] == B


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (Names(domain=answer("203.0.113.7")), "points at no known load balancer: 203.0.113.7"),
        (Names(domain=answer()), "has no address"),
        (Names(), "nobody knows it"),
        (Names(domain=answer("192.0.2.1", "192.0.2.9")), "more than one load balancer"),
        (Names(domain=answer("192.0.2.1"), a=None), "no known load balancer"),
    ],
)
def test_says_unknown_and_why(names, sentence):
    result = run(names)
    assert (result["active_region"], result["matches"]) == ("unknown", False)
    assert sentence in result["reason"]


def test_a_load_balancer_that_cannot_be_looked_up_is_distinguished():
    result = run(Names(domain=answer("192.0.2.1"), b=None))
    assert result["active_region"] == A
    assert "nobody knows it" in result["load_balancers"][B]["error"]


def test_probes_the_address_just_found():
    asked = []

    def prober(*args):
        asked.append(args)
        return {"status": 200, "milliseconds": 3}

    run(Names(domain=answer("192.0.2.9")), prober, probe_path="/health")
    run(Names(domain=answer("192.0.2.9")), prober, probe_path="/health", probe_proxy="http://127.0.0.1:1")
    assert [args[0] for args in asked] == ["192.0.2.9", DOMAIN]


@pytest.mark.parametrize(("status", "matches"), [(200, True), (301, True), (404, False), (503, False)])
def test_an_endpoint_that_answers_400_or_above_does_not_match(status, matches):
    result = run(Names(domain=answer("192.0.2.9")), lambda *args: {"status": status}, probe_path="/health")
    assert (result["active_region"], result["probe"]["status"], result["matches"]) == (B, status, matches)


def test_an_endpoint_that_does_not_answer_does_not_match():
    def prober(*args):
        raise ConnectionRefusedError("refused")

    result = run(Names(domain=answer("192.0.2.9")), prober, probe_path="/health")
    assert (result["probe"]["status"], result["matches"]) == (None, False)
    assert "refused" in result["probe"]["error"]


def test_waits_until_the_name_leads_there():
    names = Names(domain=[answer("192.0.2.1"), answer("192.0.2.1"), answer("192.0.2.9")])
    assert run(names, expected_region=B, wait_timeout=5)["active_region"] == B


def test_fails_with_what_it_saw_when_the_time_is_over():
    with pytest.raises(WaitTimeout, match="does not lead to us-east-2 after 5 s .wait_timeout.*us-east-1") as failed:
        run(Names(domain=answer("192.0.2.1")), expected_region=B, wait_timeout=5)
    assert failed.value.evidence["active_region"] == A
    assert failed.value.evidence["matches"] is False


def test_without_wait_timeout_it_only_reports():
    assert run(Names(domain=answer("192.0.2.1")), expected_region=B)["matches"] is False


def test_refuses_to_expect_a_region_without_a_load_balancer():
    with pytest.raises(Refused, match="expected_region is mars-1; allowed: one of load_balancers, us-east-1"):
        run(Names(), expected_region="mars-1")


# --- compared with the switch of a manifest ---------------------------------------------------------------------------


class Switch:
    """S3 with one text by bucket; without credentials those of ``closed`` are denied."""

    def __init__(self, texts, closed=()):
        self.texts, self.closed = texts, closed

    def __call__(self, service, region=None):
        return SimpleNamespace(
            meta=SimpleNamespace(region_name=region),
            get_object=lambda Bucket, Key: self.get(service != "s3", Bucket),
        )

    def get(self, is_public, bucket):
        if bucket not in self.texts or (is_public and bucket in self.closed):
            raise aws_error("AccessDenied" if is_public else "NoSuchKey", "GetObject", status=403)
        return {"Body": io.BytesIO(self.texts[bucket].encode())}


MANIFEST = {
    "traffic": {"backend": "s3_object", "domain": DOMAIN, "switch_key": "active-region"},
    "regions": [
        {"region": region, "control_bucket": f"control-{region}", "load_balancer_dns_name": name}
        for region, name in BALANCERS.items()
    ],
}
MOVED = {f"control-{B}": f"[{B} claims over {A}]"}


def compare(names, switch):
    params = {**DEFAULTS, "domain": None, "load_balancers": None, "manifest": MANIFEST, "deadline": 2.0}
    return info.run(params, switch, resolver=names)


def test_a_manifest_provides_the_name_and_is_compared_with_it():
    found = compare(Names(domain=answer("192.0.2.9")), Switch(MOVED))
    assert (found["active_region"], found["switch_region"], found["problems"], found["unknown"]) == (B, B, [], {})


def test_a_name_that_left_a_closed_switch_behind_is_named():
    found = compare(Names(domain=answer("192.0.2.1")), Switch(MOVED, closed=MOVED))
    assert [one["code"] for one in found["problems"]] == ["switch_closed", "name_elsewhere"]


def test_a_switch_that_only_this_machine_cannot_read_says_so():
    found = compare(Names(domain=answer("192.0.2.9")), Switch(MOVED, closed=MOVED))
    (problem,) = found["problems"]
    assert "only this machine is denied" in problem["remedy"]


def test_a_load_balancer_without_an_address_leaves_the_name_unknown():
    found = compare(Names(domain=answer("192.0.2.77"), b=None), Switch({}))
    assert (found["problems"], list(found["unknown"])) == ([], ["name"])


def test_neither_options_nor_manifest_with_a_name_is_refused():
    with pytest.raises(Refused, match="domain is missing, in the options and in the manifest"):
        info.run({**DEFAULTS, "domain": None, "manifest": {**MANIFEST, "traffic": {}}}, Switch({}))


# --- behind an accelerator

EDGE = {"arn": "accelerator", "addresses": ["192.0.2.50"], "endpoint_groups": {A: "group-a", B: "group-b"}}


def seen(a=100.0, b=0.0, enabled=True, status="DEPLOYED", **health):
    """What the accelerator's API shows."""
    groups = {
        region: Group(dial, {f"alb-{region}": health.get(name, "HEALTHY")})
        for region, name, dial in ((A, "in_a", a), (B, "in_b", b))
    }
    return Observation({"enabled": enabled, "status": status, "groups": groups})


@pytest.mark.parametrize(
    ("at", "found", "region", "words", "is_known"),
    [
        ("192.0.2.50", seen(), A, f"whose traffic dials lead to {A}", True),
        ("192.0.2.50", seen(a=0.0, b=100.0), B, f"whose traffic dials lead to {B}", True),
        ("192.0.2.50", seen(b=100.0), "unknown", f"above 0 for {A}, {B}", True),
        ("192.0.2.50", seen(a=0.0), "unknown", "above 0 for none", True),
        ("192.0.2.50", seen(enabled=False), "unknown", "is disabled", True),
        ("192.0.2.50", seen(in_a="UNHEALTHY"), "unknown", f"no healthy load balancer in {A}", True),
        ("192.0.2.50", seen(status="IN_PROGRESS"), "unknown", f"whose change to {A} is being deployed", False),
        ("192.0.2.50", Observation(error="no answer"), "unknown", "points at the accelerator", False),
        ("192.0.2.1", seen(), "unknown", "does not point at the accelerator", True),
    ],
)
def test_the_region_is_the_one_to_which_the_accelerator_sends_clients(at, found, region, words, is_known):
    names = {A: (BALANCERS[A], answer("192.0.2.1")), B: (BALANCERS[B], None)}
    where, sentence, why = info.points_at_accelerator(answer(at), EDGE, names, found)
    assert where == region and words in sentence
    assert (why is None) == is_known
