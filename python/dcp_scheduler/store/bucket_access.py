"""Keys and endpoint for S3, from where Amazon's own programs have them."""

from __future__ import annotations

import configparser
import contextlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import SchedulerError

_AGAIN = timedelta(minutes=5)


def access(environment: Mapping[str, str] = os.environ) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of ``S3Store``, and of its client, beside the variables that it reads itself: ``AWS_ENDPOINT_URL``,
    ``AWS_REGION``, ``AWS_ACCESS_KEY_ID`` and so on, or those of a machine or container of Amazon's.

    Raises SchedulerError.
    """
    options: dict[str, Any] = {
        "region": environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    }
    client: dict[str, Any] = {}
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
    if endpoint:
        _check(endpoint)
        options["endpoint"] = endpoint
        client["allow_http"] = endpoint.startswith("http://")
    if bundle := environment.get("AWS_CA_BUNDLE"):
        try:
            client["root_certificate"] = Path(bundle).read_bytes()
        except OSError as error:
            raise SchedulerError(f"{bundle}, which AWS_CA_BUNDLE names, cannot be read: {error.strerror}") from None
    path = _credentials_file(environment)
    if "AWS_ACCESS_KEY_ID" not in environment and path:
        profile = environment.get("AWS_PROFILE") or "default"
        read_credentials(path, profile)
        options["credential_provider"] = lambda: read_credentials(path, profile)
    return options, client


def _check(endpoint: str) -> None:
    """The library would abort. Raises SchedulerError."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(endpoint)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return
    raise SchedulerError("AWS_ENDPOINT_URL is no URL of a server, as https://s3.example:8333")


def read_credentials(path: Path, profile: str) -> dict[str, Any]:
    """Of a file as ``~/.aws/credentials``, which is read again every few minutes. Raises SchedulerError."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        section = parser[profile]
        return {
            "access_key_id": section["aws_access_key_id"], "secret_access_key": section["aws_secret_access_key"],
            "token": section.get("aws_session_token"), "expires_at": datetime.now(UTC) + _AGAIN,
        }  # fmt: skip
    except OSError as error:
        raise SchedulerError(f"{path} cannot be read: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError):  # what is in it is not shown
        raise SchedulerError(f"{path} is no file of credentials: sections [NAME] with NAME = VALUE") from None
    except KeyError as error:
        raise SchedulerError(f"{path} has no {error.args[0]} of the profile {profile}") from None


def _credentials_file(environment: Mapping[str, str]) -> Path | None:
    if named := environment.get("AWS_SHARED_CREDENTIALS_FILE"):
        return Path(named)
    usual = Path.home() / ".aws" / "credentials"
    return usual if usual.exists() else None
