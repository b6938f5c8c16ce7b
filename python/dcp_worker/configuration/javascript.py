"""DCP's configuration files in JavaScript, evaluated in a sealed sandbox."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from dcp_protocol.kvin import UNDEFINED, URL, RegExp

from ..errors import ConfigurationError
from .merge import merged
from .values import Tree, changes, plain

if TYPE_CHECKING:
    from dcp_evaluator import Evaluator

SECONDS: Final = 5.0
LONGEST: Final = 1 << 20
"""Bytes of a file, and of what it gives."""

_MEMORY: Final = 128 << 20
_SHOWN: Final = 500  # characters of a message from the sandbox
_SCRIPT: Final = Path(__file__).with_name("javascript.js")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """``messages``: what the file wrote to its console."""

    fragment: Tree
    messages: tuple[str, ...]


class Interpreter:
    """Evaluates configuration files; its evaluator starts with the first. A context manager."""

    def __init__(self, environment: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        """``seconds``: that one file may take."""
        self._environment = environment
        self._seconds = seconds
        self._evaluator: Evaluator | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._evaluator is not None:
            self._evaluator.close()
            self._evaluator = None

    def evaluate(self, code: str, config: Tree, name: str) -> Evaluated:
        """What a file adds: the object that it gives, and what it changed in ``dcpConfig``.

        ``config``: that ``dcpConfig``. ``name``: the file, or the variable, for messages. Raises ConfigurationError.
        """
        answer = self._run(code, config, name)
        try:
            if error := answer.get("error"):
                raise ConfigurationError(_told(name, error["name"], error["message"], int(error["line"])))
            given = merged(changes(config, _tree(answer["config"])), _tree(answer["fragment"]))
            return Evaluated(given, tuple(_printable(text) for text in answer["messages"]))
        except (LookupError, TypeError, AttributeError, RecursionError):  # the file has changed what JavaScript has
            raise ConfigurationError(f"{name}: it gives no configuration") from None
        except ValueError as error:
            raise ConfigurationError(f"{name}: {error}") from None

    def _run(self, code: str, config: Tree, name: str) -> Any:
        from dcp_evaluator import DcpError, SliceError, compute_for

        arguments = (code, json.dumps(_tagged(config)), json.dumps(dict(self._environment)), json.dumps(_machine()))
        job = compute_for([0], _SCRIPT, *arguments)
        job.on("console", lambda event: None)  # what a file says is not the worker's output
        try:
            results = job.local_exec(
                sandboxes=1, retries=0, evaluator=self._warm(), slice_timeout=self._seconds, memory_limit=_MEMORY,
                result_limit=4 * LONGEST,
            )  # fmt: skip
            answer = json.loads(next(iter(results)))
        except SliceError as error:
            raise ConfigurationError(f"{name}: {self._reason(error.code, error.message)}") from None
        except (TypeError, RecursionError):
            raise ConfigurationError(f"{name}: it gives no configuration") from None
        except (DcpError, ValueError) as error:
            raise ConfigurationError(f"{name}: it cannot be evaluated: {error}") from None
        return answer

    def _reason(self, code: str, message: str) -> str:
        if code == "ETIMEOUT":
            return f"it was evaluated for {self._seconds:g} s and gave no value: does it have a loop without end?"
        if code == "ESANDBOX":
            return f"it used more than {_MEMORY >> 20} MiB, or ended its sandbox: {_printable(message)}"
        return f"it cannot be evaluated: {_printable(message)}"

    def _warm(self) -> Evaluator:
        if self._evaluator is None:
            from dcp_evaluator import Evaluator

            self._evaluator = Evaluator(engine="quickjs", cache="off")
        return self._evaluator


def _told(name: str, kind: object, message: object, line: int) -> str:
    place = f"{name}:{line}" if line else name
    error = f"{_printable(kind)}: {_printable(message)}" if kind else _printable(message)
    return (
        f"{place}: {error}; the file is JavaScript: an object literal, or code that returns an object; "
        "dcpConfig, its members, url(), URL and env are known in it"
    )


def _machine() -> dict[str, Any]:
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "hostname": socket.gethostname(),
        "home": os.path.expanduser("~"),  # noqa: PTH111 (a home that is unknown stays as it is)
        "platform": "linux",
        "folder": _folder(),
        "pid": os.getpid(),
    }


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:  # it was deleted
        return "/"


def _tagged(value: object) -> Any:
    """As JSON, lists of which the first element says what they are."""
    if isinstance(value, dict):
        return ["object", [[name, _tagged(member)] for name, member in value.items()]]
    if isinstance(value, list):
        return ["list", [_tagged(member) for member in value]]
    if isinstance(value, URL):
        return ["url", value.href]
    if isinstance(value, RegExp):
        return ["regexp", value.source, value.flags]
    return ["undefined"] if value is UNDEFINED else value


def _tree(value: Any) -> Tree:
    """Raises one of several errors where it is none."""
    tree = plain(_untagged(value))
    if not isinstance(tree, dict):
        raise TypeError
    return tree


def _untagged(value: Any) -> Any:
    """What ``_tagged`` made. Raises one of several errors: the sandbox runs a file, which may have done anything."""
    if not isinstance(value, list):
        return value
    tag, *parts = value
    if tag == "object":
        return {name: _untagged(member) for name, member in parts[0]}
    if tag == "list":
        return [_untagged(member) for member in parts[0]]
    if tag == "url":
        return URL(parts[0])
    if tag == "regexp":
        return RegExp(parts[0], parts[1])
    return float(parts[0]) if tag == "number" else UNDEFINED


def _printable(text: object) -> str:
    return "".join(character if character.isprintable() else " " for character in str(text)[:_SHOWN])
