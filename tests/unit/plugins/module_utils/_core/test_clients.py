# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients promise: short time-outs in every one of them, and one client for each service and region."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._core.clients import (
    Clients,
    client_config,
    clients_for,
    read_ahead,
    service_models,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import MultiRegionError


def module(**params):
    """Return what clients_for needs of an AnsibleAWSModule."""
    base = {"access_key": "nobody", "secret_key": "nothing", "region": "us-east-1", "validate_certs": True}
    return SimpleNamespace(params={**base, **params}, fail_json=pytest.fail)


def test_a_client_gives_up_after_seconds_by_default():
    config = clients_for(module())("rds", "us-east-2").meta.config
    assert (config.connect_timeout, config.read_timeout) == (2.0, 3.0)
    assert config.retries == {"total_max_attempts": 2, "mode": "standard"}


def test_timeouts_follow_the_options_and_win_over_aws_config():
    params = {"connect_timeout": 0.5, "read_timeout": 1.5, "retries": 0, "aws_config": {"read_timeout": 60}}
    config = clients_for(module(**params))("rds", "us-east-2").meta.config
    assert (config.connect_timeout, config.read_timeout) == (0.5, 1.5)
    assert config.retries["total_max_attempts"] == 1


def test_other_settings_of_aws_config_are_kept():
    assert client_config({}, {"proxies": {"https": "proxy.example"}}).proxies == {"https": "proxy.example"}


def test_the_region_asked_for_wins_over_the_modules():
    clients = clients_for(module())
    assert clients("rds", "eu-west-1").meta.region_name == "eu-west-1"
    assert clients("rds").meta.region_name == "us-east-1"


def test_the_endpoint_of_the_module_is_used():
    client = clients_for(module(endpoint_url="http://127.0.0.1:9"))("rds", "us-east-2")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"


def test_an_endpoint_that_is_named_wins_and_is_asked_once():
    clients = clients_for(module(endpoint_url="http://127.0.0.1:9"))
    one = clients("route53-recovery-cluster", "eu-west-1", "https://one.example")
    assert (one.meta.endpoint_url, one.meta.region_name) == ("https://one.example", "eu-west-1")
    assert one.meta.config.retries["total_max_attempts"] == 1
    assert one.meta.config.read_timeout == 3.0
    assert clients("route53-recovery-cluster", "eu-west-1", "https://one.example") is one
    assert clients("route53-recovery-cluster", "eu-west-1", "https://two.example") is not one


def test_a_region_that_was_found_silent_is_asked_once_and_the_others_as_the_options_say():
    clients = clients_for(module(silent_regions=["us-east-1"], retries=3))
    attempts = {region: clients("rds", region).meta.config.retries for region in ("us-east-1", "us-east-2")}
    assert [one["total_max_attempts"] for one in attempts.values()] == [1, 4]


def test_a_service_that_does_not_exist_is_an_error_of_ours():
    with pytest.raises(MultiRegionError, match="no-such-service"):
        clients_for(module())("no-such-service", "us-east-1")


def test_a_client_is_made_once_even_by_many_threads_together():
    made = []
    clients = Clients(lambda service, region: made.append((service, region)) or object())
    threads = [threading.Thread(target=clients, args=("rds", "us-east-1")) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [("rds", "us-east-1")]


def test_what_was_read_ahead_is_not_read_from_disk_again(monkeypatch):
    monkeypatch.delenv("AWS_DATA_PATH", raising=False)
    service_models.cache_clear()
    read_ahead(["sns"])
    models = service_models(None)
    monkeypatch.setattr(models.file_loader, "load_file", lambda path: pytest.fail(f"{path} was read again"))
    monkeypatch.setattr(models.file_loader, "exists", lambda path: pytest.fail(f"{path} was looked for again"))
    read_ahead(["sns"])
    service_models.cache_clear()


def test_models_in_places_of_the_users_own_are_found(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    session = clients_for(module())
    assert session("sns").meta.service_model.service_name == "sns"
    assert str(tmp_path) in service_models(str(tmp_path)).search_paths


def test_reading_ahead_leaves_errors_to_those_who_make_clients():
    read_ahead(["no-such-service"])


def test_an_option_profile_wins_over_one_of_the_environment_that_does_not_exist(monkeypatch, tmp_path):
    (tmp_path / "config").write_text("[profile ours]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "gone")
    own = clients_for(module(profile="ours", access_key=None, secret_key=None))
    assert own("sns", "eu-west-1").meta.region_name == "eu-west-1"
    with pytest.raises(MultiRegionError, match="gone"):
        clients_for(module())
