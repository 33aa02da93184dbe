# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the name of the writer leads to the target: waited for within bounds, said truthfully, never a failure."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._aurora import endpoint_wait
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.names import Answer, NotFound
from ansible_collections.trading.multi_region.tests.unit.fake_global_database import FakeGlobalDatabase
from ansible_collections.trading.multi_region.tests.unit.fakes import aws_error

A, B = "us-east-1", "us-east-2"
NAME = "/trading/dev/writer-endpoint"
WHOLE, OLD, OWN = (
    "trading-global.global.example.com",
    f"trading-{A}.cluster.example.com",
    f"trading-{B}.cluster.example.com",
)
LEADS_HERE, LEADS_THERE = Answer(frozenset(), frozenset([OWN])), Answer(frozenset(["10.0.0.1"]), frozenset([OLD]))


class Aws(FakeGlobalDatabase):
    """A global database whose applications use the global endpoint unless `parameter` says otherwise."""

    parameter = {"Value": WHOLE, "Type": "String"}

    def get_parameter(self, region, Name):
        if self.parameter is None:
            raise aws_error("ParameterNotFound")
        return {"Parameter": {"Name": Name, **self.parameter}}


class Names:
    """A resolver; the global endpoint gets one answer after the other, None is a name that cannot be looked up."""

    def __init__(self, *answers, own=None):
        self.answers, self.own, self.looks = list(answers), own, 0

    def look_up_anywhere(self, name):
        found = self.own
        if name == WHOLE:
            self.looks += 1
            found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if found is None:
            raise NotFound(f"{name}: no answer")
        return found


@pytest.fixture
def aws():
    return Aws()


def wait(aws, fake_time, names, check_mode=False, **said):
    params = {
        "region": B,
        "parameter_name": NAME,
        "global_cluster_identifier": "trading-global",
        "db_cluster_identifier": f"trading-{B}",
        "dns_servers": [],
        "answer_timeout": 2.0,
        "wait_timeout": 60,
        "poll_interval": 1.0,
        **said,
    }
    return endpoint_wait.run(params, aws.clients, check_mode, names, **fake_time.passing)


def test_it_waits_until_the_name_leads_to_the_target(aws, fake_time):
    names = Names(LEADS_THERE, LEADS_THERE, LEADS_HERE)
    found = wait(aws, fake_time, names)
    assert (found["state"], found["warnings"], found["changed"], names.looks) == ("proven", [], False, 3)
    assert (found["endpoint"], found["cluster_endpoint"]) == (WHOLE, OWN)
    assert found["reason"] == f"{WHOLE} leads to {OWN}, after 2 s."


def test_where_only_addresses_are_seen_they_are_compared_with_the_targets(aws, fake_time):
    here, there = Answer(frozenset(["10.1.0.1"])), Answer(frozenset(["10.0.0.1"]))
    assert wait(aws, fake_time, Names(there, here, own=here))["state"] == "proven"
    assert wait(aws, fake_time, Names(there, own=here), wait_timeout=0)["state"] == "elsewhere"


def test_a_name_that_does_not_follow_ends_in_a_warning_at_the_bound(aws, fake_time):
    names = Names(LEADS_THERE)
    found = wait(aws, fake_time, names, wait_timeout=10)
    assert found["state"] == "elsewhere" and names.looks == 11
    assert f"leads to {OLD}, not to {OWN}" in found["warnings"][0] and "10 s (wait_timeout)" in found["warnings"][0]


def test_a_controller_that_cannot_resolve_names_soon_goes_on_and_says_unknown(aws, fake_time):
    names = Names(None)
    found = wait(aws, fake_time, names)
    assert (found["state"], names.looks) == ("unknown", 2)
    assert "could not be looked up from here" in found["warnings"][0] and "no answer" in found["warnings"][0]


def test_one_look_in_vain_does_not_end_the_wait(aws, fake_time):
    assert wait(aws, fake_time, Names(None, LEADS_THERE, None, LEADS_HERE))["state"] == "proven"


@pytest.mark.parametrize("parameter", [{"Value": OWN, "Type": "String"}, {"Value": "proxy.example", "Type": "String"}])
def test_where_applications_use_another_endpoint_nothing_is_waited_for(aws, fake_time, parameter):
    aws.parameter = parameter
    names = Names(LEADS_THERE)
    found = wait(aws, fake_time, names)
    assert (found["state"], found["warnings"], names.looks) == ("not_used", [], 0)
    assert parameter["Value"] in found["reason"]


@pytest.mark.parametrize("said", [{}, {"parameter_name": None}])
def test_without_a_parameter_a_detached_regions_applications_use_their_own_cluster(aws, fake_time, said):
    aws.parameter = None
    assert wait(aws, fake_time, Names(LEADS_HERE), **said)["state"] == "proven"
    aws.finish_detach(B)
    assert wait(aws, fake_time, Names(LEADS_THERE), **said)["state"] == "not_used"


def test_a_parameter_that_is_no_endpoint_is_not_shown(aws, fake_time):
    aws.parameter = {"Value": "ciphertext", "Type": "SecureString"}
    assert "ciphertext" not in str(wait(aws, fake_time, Names(LEADS_HERE)))


@pytest.mark.parametrize("operation", ["describe_global_clusters", "describe_db_clusters", "get_parameter"])
def test_what_cannot_be_read_is_unknown_and_no_failure(aws, fake_time, operation):
    aws.fail(operation, aws_error("AccessDenied"))
    found = wait(aws, fake_time, Names(LEADS_HERE))
    assert (found["state"], found["endpoint"]) == ("unknown", None) and "AccessDenied" in found["warnings"][0]


def test_nothing_is_asked_of_the_lost_region(aws, fake_time):
    aws.lost = {A}
    wait(aws, fake_time, Names(LEADS_HERE))
    assert {region for _service, region, _operation, _parameters in aws.calls} == {B} and aws.writes() == []


def test_the_lease_is_renewed_while_waiting_and_its_loss_ends_the_run(aws, monkeypatch, fake_time):
    def lose(_seconds):
        raise Refused("lease lost")

    monkeypatch.setattr(endpoint_wait, "lease_of", lambda _params, _clients: SimpleNamespace(sleep=lose))
    with pytest.raises(Refused, match="lease lost"):
        endpoint_wait.run(
            {
                **{"region": B, "parameter_name": NAME, "global_cluster_identifier": "trading-global"},
                **{"db_cluster_identifier": f"trading-{B}", "dns_servers": [], "answer_timeout": 2.0},
                **{"wait_timeout": 60, "poll_interval": 1.0},
            },
            aws.clients,
            resolver=Names(LEADS_THERE),
        )
