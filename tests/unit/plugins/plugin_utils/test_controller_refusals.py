# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a controller would refuse is a sentence with the object's name, and what it would accept is none."""

from __future__ import annotations

import pytest

from ansible_collections.trading.multi_region.plugins.plugin_utils.controller_refusals import (
    KINDS,
    controller_refusals,
    version_problem,
)
from tests.controller.objects import objects

OURS = "trading dev"
ADMINISTRATOR = {"username": "ann", "is_superuser": True}
MEMBER = {"username": "bob", "is_superuser": False}


@pytest.fixture(scope="module")
def made():
    return objects("us-east-1", "us-east-2")


def all_of(made, **denied):
    """A controller that has all objects; denied: kind of the API to the name that may not be edited."""
    has = {}
    for kind, (listed, _word) in KINDS.items():
        has[listed] = [
            {
                "name": one["name"],
                "description": one.get("description", ""),
                "summary_fields": {
                    "user_capabilities": {"edit": one["name"] != denied.get(listed)},
                    "credential_type": {"name": one.get("credential_type")},
                },
            }
            for one in made[kind]
        ]
    return has


def refusals(made, has, user=MEMBER, version="24.6.1", organization=OURS, **existing):
    return controller_refusals(made, has, version, user, organization, existing)


def test_nothing_is_refused_where_everything_exists_and_may_be_changed(made):
    assert refusals(made, all_of(made)) == []


def test_a_system_administrator_may_begin_from_nothing_and_somebody_else_is_refused_by_the_organizations_name(made):
    nothing = {listed: [] for listed, _word in KINDS.values()}
    assert refusals(made, nothing, ADMINISTRATOR) == []
    assert refusals(made, nothing) == [
        "bob may not create the organization 'trading dev'; allowed: a system administrator."
    ]
    assert refusals(made, nothing, user={}) == [], "a dry run needs no rights"


@pytest.mark.parametrize(
    "kind", sorted(KINDS.keys() - {"organizations", "instance_groups", "credential_types", "teams"})
)
def test_a_right_that_is_missing_for_one_object_is_reported_by_its_name(made, kind):
    listed, word = KINDS[kind]
    name = made[kind][-1]["name"]
    assert refusals(made, all_of(made, **{listed: name})) == [
        f"bob may not change the {word} {name!r}; allowed: an administrator of the organization."
    ]


@pytest.mark.parametrize("kind", ["instance_groups", "credential_types"])
def test_an_administrator_of_the_organization_needs_what_only_a_system_administrator_creates(made, kind):
    has = all_of(made)
    missing = has[kind].pop()["name"]
    (sentence,) = refusals(made, has)
    assert repr(missing) in sentence and sentence.endswith("; allowed: a system administrator.")
    assert refusals(made, has, ADMINISTRATOR) == []


def test_without_rights_in_the_organization_nothing_new_is_created_in_it(made):
    has = all_of(made, organizations=OURS)
    missing = has["teams"].pop()["name"]
    assert f"bob may not create the team {missing!r}; allowed: an administrator of the organization." in refusals(
        made, has
    )


def test_an_organization_of_the_same_name_that_is_something_else_is_not_taken_over(made):
    has = all_of(made)
    has["organizations"][0]["description"] = "Desks"
    (sentence,) = refusals(made, has, ADMINISTRATOR)
    assert sentence.startswith("The organization 'trading dev' exists with the description 'Desks'; allowed: ")
    assert "controller_organization_name=trading dev, which leaves it as it is." in sentence


def test_a_credential_of_another_type_is_reported_with_the_one_that_it_must_have(made):
    has = all_of(made)
    has["credentials"][0]["summary_fields"]["credential_type"]["name"] = "trading dev: AWS runner with role"
    assert refusals(made, has, ADMINISTRATOR) == [
        "The credential 'trading dev: Failover runner' exists with the type 'trading dev: AWS runner with role'; "
        "allowed: 'trading dev: AWS runner'. Delete it, and run this playbook again."
    ]


def test_objects_that_should_exist_and_do_not_are_reported_by_their_variable(made):
    has = {**all_of(made), "projects": []}
    assert refusals(made, has, ADMINISTRATOR, projects="Platform", organizations="") == [
        "controller_project_name is 'Platform'; allowed: the name of an existing project of the organization."
    ]


@pytest.mark.parametrize("version", ["24.0.0", "24.6.1", "24.6.2.dev0+gabc", "4.5.0", "4.6.19", "4.7.0", "", "unknown"])
def test_a_version_that_is_new_enough_or_unknown_is_accepted(version):
    assert version_problem(version) == ""


@pytest.mark.parametrize("version", ["23.9.0", "19.5.0", "4.4.2", "3.8.6", "9.0.0"])
def test_an_older_server_is_refused_by_its_version(version):
    assert version_problem(version).startswith(f"The controller's version is {version}; allowed: AWX 24.0 or later")
