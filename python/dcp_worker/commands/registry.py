"""Packages of npm, from the registry that the user's npm is configured for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..errors import WorkerError

_SECONDS: Final = 60.0
_LONGEST: Final = 256 << 20
_NPM_SECONDS: Final = 30.0


class Registry:
    """``location``: its URL. ``settings``: of npm, for what it wants to know of those who ask."""

    def __init__(self, location: str, settings: Mapping[str, str]) -> None:
        if urlsplit(location).scheme not in ("http", "https") or not urlsplit(location).hostname:
            raise WorkerError(f"{location!r} is no URL of a registry of npm; say --registry URL")
        self.location = location.rstrip("/")
        self._settings = settings

    def tarball(self, name: str, version: str) -> bytes:
        """The package, packed. Raises WorkerError."""
        try:
            return self._get(f"{self.location}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz")
        except urllib.error.HTTPError:
            pass  # few registries have them elsewhere
        except OSError as error:
            raise self._unreachable(name, version, error) from None
        try:
            about: Any = json.loads(self._get(f"{self.location}/{name}"))
            return self._get(str(about["versions"][version]["dist"]["tarball"]))
        except urllib.error.HTTPError as error:
            reason = f"{self.location} answers with status {error.code} for {name} {version}"
            raise WorkerError(f"{reason}; say --registry URL, or --from FILE") from None
        except OSError as error:
            raise self._unreachable(name, version, error) from None
        except (ValueError, LookupError, TypeError):
            raise WorkerError(f"{self.location} has no {name} {version}; say --registry URL, or --from FILE") from None

    def _get(self, url: str) -> bytes:
        request = urllib.request.Request(url, headers=self._headers(url))
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            data: bytes = response.read(_LONGEST + 1)
        if len(data) > _LONGEST:
            raise OSError(f"{url} has more than {_LONGEST} bytes")
        return data

    def _headers(self, url: str) -> dict[str, str]:
        """With the user's token, where npm has one for this registry."""
        place = re.sub(r"^https?:", "", self.location) + "/"
        token = self._settings.get(f"{place}:_authToken")
        is_ours = url.startswith(f"{self.location}/")
        return {"Authorization": f"Bearer {token}"} if token and is_ours else {}

    def _unreachable(self, name: str, version: str, error: OSError) -> WorkerError:
        return WorkerError(
            f"{name} {version} cannot be fetched from {self.location}: {error}; is there a network? "
            "Else fetch its .tgz elsewhere and say --from FILE"
        )


def find_registry(given: str | None, environment: Mapping[str, str] = os.environ) -> Registry:
    """``given``, else what the user's npm is configured for. Raises WorkerError."""
    settings = dict(_npm_settings(environment))
    location = given or _variable(environment, "registry") or settings.get("registry") or _asked(environment)
    if not location:
        raise WorkerError(
            "which registry of npm has the start-up files of dcp-client? Neither the variable npm_config_registry nor "
            "a file .npmrc says it, and npm is not there to be asked: say --registry URL, or --from FILE"
        )
    return Registry(location, settings)


def _npm_settings(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Weakest first."""
    home = environment.get("HOME") or "~"
    prefix = _variable(environment, "prefix") or environment.get("PREFIX") or "/usr"
    files = [
        _variable(environment, "globalconfig") or f"{prefix}/etc/npmrc",
        _variable(environment, "userconfig") or f"{home}/.npmrc",
    ]
    for name in files:
        try:
            lines = Path(name).expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError, RuntimeError):
            continue
        for line in lines:
            key, equals, value = line.partition("=")
            if equals and not key.lstrip().startswith((";", "#")):
                yield key.strip(), _expanded(value.strip().strip("\"'"), environment)


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    return re.sub(r"\$\{([^}]+)\}", lambda found: environment.get(found[1], found[0]), text)


def _variable(environment: Mapping[str, str], name: str) -> str:
    """As npm reads them, whatever the case."""
    wanted = f"npm_config_{name}"
    return next((value for key, value in environment.items() if key.lower() == wanted and value), "")


def _asked(environment: Mapping[str, str]) -> str:
    """What npm says; empty where there is none."""
    program = shutil.which("npm", path=environment.get("PATH"))
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, "config", "get", "registry"], env=dict(environment), capture_output=True, text=True,
            timeout=_NPM_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    answer = done.stdout.strip()
    return answer if done.returncode == 0 and answer.startswith("http") else ""
