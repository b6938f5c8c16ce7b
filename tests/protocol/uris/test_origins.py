"""Allowed origins, against npm's origin-access-manager.js."""

from __future__ import annotations

import pytest

from dcp_protocol.uris import SCHEDULER, AllowedOrigins

pytestmark = pytest.mark.any_engine


def test_an_origin_is_allowed_for_its_purpose() -> None:
    origins = AllowedOrigins({"fetchData": ["https://a.example"], "any": ["https://b.example:8080"]})
    assert origins.allows("https://a.example", "fetchData")
    assert not origins.allows("https://a.example", "fetchArguments")
    assert not origins.allows("http://a.example", "fetchData")
    assert not origins.allows("https://x.a.example", "fetchData")
    assert origins.allows("https://b.example:8080", "sendResults")
    assert origins.allows("https://b.example:8080", "workerFetch")
    assert not origins.allows("https://b.example", "sendResults")


def test_a_group_has_origins_of_its_own() -> None:
    origins = AllowedOrigins()
    origins.add("https://a.example", "fetchData", "group")
    origins.add("https://b.example", group="group")
    assert origins.allows("https://a.example", "fetchData", "group")
    assert not origins.allows("https://a.example", "fetchData")
    assert not origins.allows("https://a.example", "fetchData", "other")
    assert origins.allows("https://b.example", "sendResults", "group")
    origins.remove("https://a.example", "fetchData", "group")
    assert not origins.allows("https://a.example", "fetchData", "group")
    origins.remove_group("group")
    assert not origins.allows("https://b.example", "sendResults", "group")
    origins.remove("https://nowhere.example")


def test_the_scheduler_and_its_subdomains() -> None:
    allowed = {"fetchData": [SCHEDULER]}
    origins = AllowedOrigins(allowed, scheduler="https://scheduler.example/dcp/")
    assert origins.allows("https://scheduler.example", "fetchData")
    assert origins.allows("https://data.scheduler.example", "fetchData")
    assert not origins.allows("https://evil-scheduler.example", "fetchData")
    assert not origins.allows("http://data.scheduler.example", "fetchData")
    assert not origins.allows("https://data.scheduler.example:444", "fetchData")
    assert not origins.allows("https://scheduler.example", "sendResults")
    older = AllowedOrigins(allowed, scheduler="https://scheduler.example/dcp/", subdomains=False)
    assert older.allows("https://scheduler.example", "fetchData")
    assert not older.allows("https://data.scheduler.example", "fetchData")
    assert not AllowedOrigins(allowed).allows("https://scheduler.example", "fetchData")


def test_a_url_stands_for_its_origin() -> None:
    origins = AllowedOrigins({"any": ["https://A.example:443/some/path", "/srv/data.json"]})
    assert origins.allows("https://a.example", "fetchData")
    assert origins.allows("/srv/data.json", "fetchData")
    assert not origins.allows("/srv/", "fetchData")


def test_wrong_lists_are_told() -> None:
    with pytest.raises(ValueError, match="no origins for 'fetch'; there are any, fetchArguments"):
        AllowedOrigins({"fetch": []})
    with pytest.raises(ValueError, match="the origins of any must be a list"):
        AllowedOrigins({"any": "https://a.example"})
