# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a name points to, and whether its target responds, as seen from outside: DNS and HTTP.

No call to AWS is made, except to renew a lease while waiting, to compare the name with the switch of a manifest, and to
ask an accelerator.

An alias record returns the load balancer's addresses and never its name ("Choosing between alias and non-alias records"
of the Route 53 Developer Guide), so the name's addresses are compared with those of each load balancer. Behind an
accelerator the name always has the same addresses, and what leads to a region are the accelerator's traffic dials and
the health of its endpoints, which its API tells.
"""

from __future__ import annotations

import http.client
import time

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.lease import NoLease, lease_of
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError, Refused
from ansible_collections.trading.multi_region.plugins.module_utils._core.names import (
    Answer,
    NotFound,
    Resolver,
    plain,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import UNKNOWN, Facts, Observation
from ansible_collections.trading.multi_region.plugins.module_utils._core.parallel import observe_all
from ansible_collections.trading.multi_region.plugins.module_utils._core.probe import probe
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import (
    WaitTimeout,
    after_waiting,
    poll,
    timed,
)
from ansible_collections.trading.multi_region.plugins.module_utils._traffic import views
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.accelerators import describe_accelerator
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.backends import order_of, traffic_of
from ansible_collections.trading.multi_region.plugins.module_utils._traffic.traffic_dials import (
    DEPLOYED,
    HOME,
    SERVICE,
    Dials,
    active_dial,
    dialled,
    is_unhealthy,
    unhealthy_words,
)


def points_at(answer, balancers):
    """Return (region or unknown, sentence). Pure.

    answer: Answer for the domain. balancers: region to (DNS name, Answer or None if it could not be looked up).
    """
    regions = [
        region
        for region, (name, found) in balancers.items()
        if plain(name) in answer.names or (found and answer.addresses & found.addresses)
    ]
    if len(regions) == 1:
        return regions[0], f"It points at the load balancer of {regions[0]}."
    if regions:
        return UNKNOWN, f"Its addresses are those of more than one load balancer: {', '.join(regions)}."
    if not answer.addresses and not answer.names:
        return UNKNOWN, "It has no address."
    return UNKNOWN, f"It points at no known load balancer: {', '.join(sorted(answer.addresses | answer.names))}."


def points_at_accelerator(answer, accelerator, balancers, seen):
    """Return (region or unknown, sentence, why it is not known or None). Pure.

    accelerator: the option. balancers: as for ``points_at``. seen: Observation of ``read_accelerator``.
    """
    if not answer.addresses & set(accelerator["addresses"]):
        _region, sentence = points_at(answer, balancers)
        return UNKNOWN, f"It does not point at the accelerator. {sentence}", None
    if not seen.known:
        return UNKNOWN, "It points at the accelerator.", f"It points at the accelerator: {seen.error}"
    order = list(accelerator["endpoint_groups"])
    dials = {region: group.dial for region, group in seen.value["groups"].items()}
    region = active_dial(dials, order)
    if region is None:
        shown = ", ".join(dialled(dials, order)) or "none"
        return UNKNOWN, f"It points at the accelerator, which has a traffic dial above 0 for {shown}.", None
    if not seen.value["enabled"]:
        return UNKNOWN, "It points at the accelerator, which is disabled.", None
    if is_unhealthy(seen.value["groups"][region].as_fact()):
        return UNKNOWN, f"It points at the accelerator. {unhealthy_words(region)}", None
    if seen.value["status"] != DEPLOYED:
        words = f"It points at the accelerator, whose change to {region} is being deployed."
        return UNKNOWN, words, words
    return region, f"It points at the accelerator, whose traffic dials lead to {region}.", None


def read_accelerator(clients, accelerator):
    """Return {status, enabled, groups: {region: Group}}. Raises MultiRegionError if there is no such accelerator."""
    found = describe_accelerator(clients(SERVICE, HOME), accelerator["arn"])
    if found is None:
        raise MultiRegionError(f"There is no accelerator {accelerator['arn']}.")
    groups = Dials(clients, accelerator["endpoint_groups"]).read()
    return {"status": found["Status"], "enabled": found["Enabled"], "groups": groups}


def probe_result(observation):
    """Return {status, seconds, error} of a probe's Observation; status is None if there was no response. Pure."""
    status = observation.value["status"] if observation.known else None
    return {"status": status, "seconds": observation.seconds, "error": observation.error}


def is_answering(probed):
    """Return True if no probe was requested, or its status was below 400, like Route 53's own checks. Pure."""
    return probed is None or (probed["status"] is not None and probed["status"] < 400)


def name_of(looked):
    """Return (region or unknown, sentence) of what ``Outside.look`` returned. Raises NotFound if it is not known. Pure.

    Without the addresses of a load balancer it is not known whether the name points at it.
    """
    unseen = [one["error"] for one in looked["load_balancers"].values() if one["error"]]
    error = looked["error"] or (unseen[0] if unseen and looked["active_region"] == UNKNOWN else None)
    if error:
        raise NotFound(error)
    return looked["active_region"], looked["reason"]


def balancers_of(manifest):
    """Return {region: DNS name of its load balancer}. Pure."""
    return {
        entry["region"]: entry["load_balancer_dns_name"]
        for entry in manifest["regions"]
        if entry.get("load_balancer_dns_name")
    }


def completed(params):
    """Return the options with those that a manifest gives and that were omitted. Pure."""
    manifest = params.get("manifest")
    if not manifest:
        return params
    traffic = traffic_of(manifest)
    return {
        **params,
        "domain": params.get("domain") or traffic.get("domain"),
        "load_balancers": params.get("load_balancers") or balancers_of(manifest),
        "dns_servers": params.get("dns_servers") or traffic.get("name_servers") or [],
        "accelerator": params.get("accelerator") or traffic.get("accelerator"),
    }


def compare(params, clients, looked):
    """Return what ``views.as_result`` has, for the manifest in the options.

    looked: what ``Outside.look`` returned.
    """
    manifest = params["manifest"]
    answers = observe_all(views.readers(clients, manifest), params["deadline"])
    facts = {
        region: Facts(region, {fact: seen for (of, fact), seen in answers.items() if of == region})
        for region in order_of(manifest)
    }
    try:
        name = Observation(name_of(looked))
    except NotFound as error:
        name = Observation(error=str(error))
    return views.as_result(manifest, facts, name)


# Among the regions that are looked up: the accelerator.
EDGE = "accelerator"


class Outside:
    """Looks at the name from outside; ``look`` returns the module's result, without what waiting adds."""

    def __init__(self, params, resolver, prober=probe, clients=None):
        self.params = params
        self.clients = clients
        self.resolver = resolver
        self.prober = prober

    def look(self):
        """Look up and probe everything in parallel."""
        domain, balancers = self.params["domain"], self.params["load_balancers"]
        calls = {None: lambda: self.resolver.look_up(domain)}
        for region, name in balancers.items():
            calls[region] = lambda name=name: self.resolver.look_up_anywhere(name)
        edge = self.params.get("accelerator")
        if edge:
            calls[EDGE] = lambda: read_accelerator(self.clients, edge)
        # Longer than a look-up, so that its own error arrives; twice, for the machine's resolver after the servers.
        found = observe_all(calls, 2 * self.params["answer_timeout"] + 1)
        own, behind = found.pop(None), found.pop(EDGE, None)
        answer = own.value if own.known else Answer(frozenset())
        named = {region: (balancers[region], found[region].value) for region in found}
        if edge:
            active, reason, error = points_at_accelerator(answer, edge, named, behind)
        else:
            (active, reason), error = points_at(answer, named), None
        probed = self.probe(answer)
        expected = self.params.get("expected_region")
        return {
            "active_region": active,
            "reason": f"{domain}: {reason if own.known else own.error}",
            "error": own.error or error,
            "addresses": sorted(answer.addresses),
            "load_balancers": {
                region: {
                    "addresses": sorted(seen.value.addresses) if seen.known else [],
                    "error": seen.error,
                }
                for region, seen in found.items()
            },
            "probe": probed,
            "matches": is_answering(probed) and active != UNKNOWN and expected in (None, active),
        }

    def probe(self, answer):
        """Return the probe's result, or None if no probe was requested.

        The probe uses the addresses that were just found, not the name, because the machine's resolver may still have
        older ones. A proxy gets the name and looks it up itself.
        """
        path, proxy, domain = self.params.get("probe_path"), self.params.get("probe_proxy"), self.params["domain"]
        if not path:
            return None
        address = domain if proxy else next(iter(sorted(answer.addresses)), None)
        scheme, timeout = self.params["probe_scheme"], self.params["answer_timeout"]

        def ask():
            if address is None:
                raise MultiRegionError("there is no address to probe")
            try:
                return self.prober(address, scheme, path, timeout, domain, proxy)
            except (OSError, http.client.HTTPException) as error:
                raise MultiRegionError(f"{scheme}://{domain}{path} did not respond: {error}") from error

        return probe_result(observe_all({"probe": ask}, 2 * timeout + 1)["probe"])


def check_inputs(params):
    """Raise Refused for options that cannot be meant."""
    for name in ("domain", "load_balancers"):
        if not params.get(name):
            raise Refused(f"{name} is missing, in the options and in the manifest; allowed: one of them has it.")
    expected, regions = params.get("expected_region"), params["load_balancers"]
    if expected is not None and expected not in regions:
        raise Refused(f"expected_region is {expected}; allowed: one of load_balancers, {', '.join(regions)}.")


@timed
def run(params, clients=None, check_mode=False, resolver=None, prober=probe, poll=poll):
    """Look at the name; with ``wait_timeout`` repeat until the result is as expected.

    clients: needed only with the options ``lease``, which is renewed while waiting, and ``manifest``.
    Returns {changed, reason, active_region, addresses, load_balancers, probe, matches, seconds}, and with a manifest
    {switch_region, switch, problems, unknown}. Raises WaitTimeout with the last result as evidence, and Refused for
    invalid input or if another run holds the lease.
    """
    params = completed(params)
    check_inputs(params)
    resolver = resolver or Resolver(params["domain"], params["dns_servers"], params["answer_timeout"])
    outside, began = Outside(params, resolver, prober, clients), time.monotonic()
    seen = outside.look() if not params["wait_timeout"] else wait(params, clients, check_mode, outside, poll)
    if params["wait_timeout"]:
        seen = {**seen, "reason": f"{seen['reason'].removesuffix('.')}{after_waiting(time.monotonic() - began)}."}
    compared = compare(params, clients, seen) if params.get("manifest") else {}
    return {"changed": False, **seen, **compared}


def wait(params, clients, check_mode, outside, poll):
    """Return the first look with the expected result. Raises WaitTimeout."""
    lease = NoLease() if check_mode else lease_of(params, clients)
    timeout, interval = params["wait_timeout"], params["poll_interval"]
    try:
        return poll(outside.look, lambda look: look["matches"], timeout, interval, sleep=lease.sleep)
    except WaitTimeout as late:
        raise timed_out(params, late) from late


def timed_out(params, late):
    """Return the error of a wait that timed out: the expected and the actual state."""
    look = late.state
    wanted = params.get("expected_region") or "any region"
    probed = look["probe"]
    status = "" if is_answering(probed) else f" The probe: {probed['error'] or 'status ' + str(probed['status'])}."
    after = f"after {late.seconds:.0f} s (wait_timeout)"
    sentence = f"{params['domain']} does not lead to {wanted} {after}. {look['reason']}{status}"
    error = WaitTimeout(look, None, late.seconds, sentence)
    error.evidence.update(look)
    return error
