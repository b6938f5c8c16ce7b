"""Allowed origins, against npm's origin-access-manager.js."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcp_protocol.uris import PURPOSES, SCHEDULER, AllowedOrigins
from npm_calls import NpmCalls

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
    for wrong in (None, 7):
        with pytest.raises(ValueError, match="the origins of any must be a list"):
            AllowedOrigins({"any": wrong})  # type: ignore[dict-item]
        with pytest.raises(ValueError, match="an origin for any must be a text"):
            AllowedOrigins({"any": [wrong]})  # type: ignore[list-item]


NPM = """(location, allowed, steps, questions) => {
  require("dcp/protocol").getSchedulerConfigLocation = () => new URL(location);
  const { OriginAccessManager, currentScheduler } = require("dcp/worker").originAccessManager;
  const listed = (origin) => (origin === "scheduler" ? currentScheduler : origin);
  const every = Object.fromEntries(Object.entries(allowed).map(([purpose, list]) => [purpose, list.map(listed)]));
  const manager = new OriginAccessManager(every, currentScheduler);
  for (const [method, origin, purpose, group] of steps) manager[method](listed(origin), purpose, group);
  return questions.map(([origin, purpose, group]) => manager.isAllowed(origin, purpose, group));
}"""
# npm does not find the scheduler's own origin where it is listed by its name: it looks for the symbol then.
listed_origins = st.sampled_from(["https://a.example", "http://a.example", "https://a.example:8080", SCHEDULER])
asked_origins = st.sampled_from(
    [
        *("https://a.example", "http://a.example", "https://a.example:8080", "/srv/data.json"),
        *("https://scheduler.example", "http://scheduler.example", "https://scheduler.example:8080"),
        *("https://b.scheduler.example", "http://b.scheduler.example", "https://b.scheduler.example:8080"),
        "https://evilscheduler.example",
    ]
)
purposes = st.sampled_from([*PURPOSES, "workerFetch"])
groups = st.sampled_from([None, "group", "other"])


@pytest.fixture(scope="module")
def newer_npm() -> Any:
    """4.4.29 lets nobody have its origin-access-manager.js."""
    with NpmCalls("5.6.1") as calls:
        yield calls


@settings(max_examples=200)
@given(
    allowed=st.dictionaries(st.sampled_from(PURPOSES), st.lists(listed_origins, max_size=2, unique=True), max_size=3),
    steps=st.lists(st.tuples(st.sampled_from(["add", "remove"]), listed_origins, purposes, groups), max_size=4),
    questions=st.lists(st.tuples(asked_origins, purposes, groups), min_size=1, max_size=9),
    location=st.sampled_from(
        ["https://scheduler.example/dcp/", "http://scheduler.example/", "https://scheduler.example:8080/"]
    ),
)
def test_what_is_allowed_is_npms(
    newer_npm: NpmCalls, allowed: dict[str, list[str]], steps: list[Any], questions: list[Any], location: str
) -> None:
    origins = AllowedOrigins(allowed, scheduler=location)
    for method, origin, purpose, group in steps:
        getattr(origins, method)(origin, purpose, group)
    assert [origins.allows(*question) for question in questions] == newer_npm.call(
        NPM, location, allowed, steps, questions
    )
