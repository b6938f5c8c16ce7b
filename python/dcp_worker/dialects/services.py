"""Where a scheduler's services are, by its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dcp_protocol import kvin
from dcp_protocol.keys.address import Address

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Service:
    """``location`` is where to connect to; ``identity`` is who it must be, if the configuration says so."""

    location: str
    identity: Address | None = None
    friend_location: str = ""
    """Another one, for machines of the service's own network; on this machine it is ``location`` already."""


@dataclass(frozen=True, slots=True)
class Services:
    task_distributor: Service
    result_submitter: Service
    event_router: Service
    package_manager: Service


def read_services(configuration: Mapping[str, Any]) -> Services:
    """``configuration``: all layers merged, ``dcpConfig``. URLs are texts, kvin.URL, or objects with ``href``.

    Raises ConfigurationError, which names the key.
    """
    scheduler = "scheduler.services."
    return Services(
        _service(configuration, scheduler + "taskDistributor"),
        _service(configuration, scheduler + "resultSubmitter"),
        _service(configuration, scheduler + "eventRouter"),
        _service(configuration, "packageManager"),
    )


def member(configuration: object, path: str) -> Any:
    """What stands at ``a.b.c``; None where nothing does."""
    for name in path.split("."):
        configuration = configuration.get(name) if isinstance(configuration, Mapping) else None
    return configuration


def _service(configuration: Mapping[str, Any], path: str) -> Service:
    location = _url(configuration, f"{path}.location")
    if not location:
        raise ConfigurationError(
            f"{path}.location is missing: the scheduler's configuration has it; set scheduler.location to a scheduler"
        )
    friend = _url(configuration, f"{path}.friendLocation")
    if friend and urlsplit(friend).hostname == "localhost":
        location, friend = friend, ""
    return Service(location, _identity(configuration, f"{path}.identity"), friend)


def _url(configuration: Mapping[str, Any], path: str) -> str:
    value = member(configuration, path)
    if value is None:
        return ""
    href = value.get("href") if isinstance(value, Mapping) else value
    text = href.href if isinstance(href, kvin.URL) else href
    try:
        if isinstance(text, str) and urlsplit(text).scheme in ("http", "https") and urlsplit(text).hostname:
            return text
    except ValueError:
        pass
    raise ConfigurationError(f"{path} must be an http or https URL")


def _identity(configuration: Mapping[str, Any], path: str) -> Address | None:
    value = member(configuration, path)
    if isinstance(value, Mapping):
        value = value.get("address")
    if isinstance(value, kvin.Constructed) and value.arguments:
        value = value.arguments[0]
    if value is None:
        return None
    try:
        return Address.parse(value)
    except ValueError as error:
        raise ConfigurationError(f"{path} must be the service's address: {error}") from None
