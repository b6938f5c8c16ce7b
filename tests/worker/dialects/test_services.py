"""Where a scheduler's services are, and which dialect it speaks."""

from __future__ import annotations

from typing import Any

import pytest

from dcp_protocol import kvin
from dcp_worker.dialects.choice import V4, V5, choose
from dcp_worker.dialects.services import Service, read_services
from dcp_worker.errors import ConfigurationError

pytestmark = pytest.mark.any_engine
ADDRESS = "0x" + "1" * 40


def configuration(**distributor: Any) -> dict[str, Any]:
    service = {"location": kvin.URL("http://s/", "dcpUrl$$DcpURL")}
    services = {"taskDistributor": {**service, **distributor}, "resultSubmitter": service, "eventRouter": service}
    return {"scheduler": {"services": services}, "packageManager": {"location": {"href": "https://p/"}}}


def test_locations() -> None:
    services = read_services(configuration())
    assert services.task_distributor == services.event_router == Service("http://s/")
    assert services.package_manager == Service("https://p/")


@pytest.mark.parametrize(
    "identity",
    [ADDRESS, {"address": ADDRESS}, kvin.Constructed("dcpEth$$Address", (ADDRESS,)),
     {"address": kvin.Constructed("dcpEth$$Address", (ADDRESS,))}],
)  # fmt: skip
def test_identities(identity: Any) -> None:
    assert read_services(configuration(identity=identity)).task_distributor.identity == ADDRESS


def test_friend_locations() -> None:
    near = read_services(configuration(friendLocation="http://localhost:99/")).task_distributor
    assert near == Service("http://localhost:99/")
    far = read_services(configuration(friendLocation="http://10.0.0.1/")).task_distributor
    assert far == Service("http://s/", friend_location="http://10.0.0.1/")


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"location": None}, "scheduler.services.taskDistributor.location"),
        ({"location": "ftp://s/"}, "scheduler.services.taskDistributor.location"),
        ({"location": 5}, "scheduler.services.taskDistributor.location"),
        ({"location": "http://[/"}, "scheduler.services.taskDistributor.location"),
        ({"friendLocation": []}, "scheduler.services.taskDistributor.friendLocation"),
        ({"identity": "0x12"}, "scheduler.services.taskDistributor.identity"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=key):
        read_services(configuration(**wrong))


def test_choosing_the_dialect() -> None:
    assert choose({}, "5") is V5
    assert choose({"scheduler": {"worker": {"types": ["v5"]}}}, "4") is V4
    assert choose({"scheduler": {"worker": {"types": ["v4", "v5"]}}}) is V4
    assert choose({"scheduler": {"worker": {"types": ["v5"]}}}) is V5
    assert choose({}) is V4
    assert choose({"scheduler": {"services": {"jnu": {"location": "http://j/"}}}}) is V5
    with pytest.raises(ConfigurationError, match="auto, 4 or 5"):
        choose({}, "6")
    with pytest.raises(ConfigurationError, match="takes no workers"):
        choose({"scheduler": {"worker": {"types": ["v9"]}}})
