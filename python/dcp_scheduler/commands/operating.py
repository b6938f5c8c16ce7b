"""The operator's commands: what each asks for, and how its answer is shown."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import SchedulerError
from . import packages, reports, statement
from .reach import Reach
from .tables import listing

_LONGEST_SECRET = 4096
_SECRET = "the group's secret is asked for on the terminal, or is the first line of the standard input"
_ACCOUNT = "0x and 40 digits"


@dataclass(frozen=True, slots=True)
class Command:
    """``arguments``: as for argparse, by name; their values are the parameters of ``operation``, by the same name."""

    words: str
    help: str
    operation: str
    report: Callable[[Any], Iterator[str]]
    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)
    has_secret: bool = False


COMMANDS = (
    Command("account list", "accounts and what they have", "account.list", reports.accounts),
    Command("account show", "one account", "account.show", reports.account, {"address": {"help": _ACCOUNT}}),
    Command(
        "account create", "an account with nothing in it", "account.create", reports.account,
        {"address": {"help": _ACCOUNT}},
    ),
    Command("group list", "compute groups", "group.list", reports.groups),
    Command(
        "group create", f"a new compute group; {_SECRET}", "group.create", reports.group,
        {
            "joinKey": {"metavar": "KEY", "help": "the name by which clients and workers join"},
            "--name": {"help": "for people"}, "--description": {},
            "--owner": {"metavar": "ADDRESS", "help": "who may change it with DCP's tools; nobody else than you"},
        },
        has_secret=True,
    ),
    Command(
        "group show", "one group and its jobs", "group.show", reports.group,
        {"group": {"help": "its key or id"}},
    ),
    Command(
        "group secret", f"another secret for a group; {_SECRET}", "group.secret", reports.group,
        {"group": {"help": "its key"}}, has_secret=True,
    ),
    Command(
        "group delete", "a group, not its jobs", "group.delete", reports.group,
        {"group": {"help": "its key or id"}},
    ),
    Command(
        "job list", "jobs, the newest first", "job.list", reports.jobs,
        {
            "--status": {"help": "active, estimation, running, finished or cancelled"},
            "--owner": {"metavar": "ADDRESS"}, "--most": {"type": int, "metavar": "N"},
        },
    ),
    Command("job show", "one job", "job.show", reports.job, {"job": {"help": "its address or id"}}),
    Command(
        "job cancel", "ends a job; its client is told why", "job.cancel", lambda found: reports.jobs([found]),
        {"job": {"help": "its address or id"}, "--reason": {"metavar": "TEXT"}},
    ),
    Command("worker list", "workers that have asked for work", "worker.list", reports.workers),
    Command(
        "worker ban", "no more work for an identity; what its workers have goes to others", "worker.ban", listing,
        {"owner": {"metavar": "identity", "help": _ACCOUNT}, "--reason": {"metavar": "TEXT", "help": "it is told"}},
    ),
    Command(
        "worker forgive", "work again for an identity", "worker.forgive", listing,
        {"owner": {"metavar": "identity", "help": _ACCOUNT}},
    ),
    Command("worker bans", "identities that get no work", "worker.bans", reports.bans),
    Command(
        "deposit", "makes money on an account", "deposit", reports.deposit,
        {
            "address": {"help": _ACCOUNT}, "amount": {"help": "DCC, as in 12.5"},
            "--key": {"metavar": "TEXT", "help": "of deposits with the same one, only the first is made"},
        },
    ),
    Command(
        "package publish", "publishes modules in the name of the network", "package.publish", reports.packages,
        {
            "folder": {"type": Path, "nargs": "?", "help": "with package.dcp, which describes the package"},
            "--pyodide": {
                "type": Path, "metavar": "FOLDER",
                "help": "instead: a distribution of Pyodide, whose packages work functions in Python import",
            },
            "--worktime": {
                "action": "append", "metavar": "VERSION",
                "help": "of Pyodide within DCP's worktimes that get them; by default all that are known to fit",
            },
        },
    ),
    Command(
        "package list", "packages, in their newest versions", "package.list", reports.packages,
        {"--name": {"metavar": "TEXT", "help": "only those with this in their names"}},
    ),
    Command(
        "package give", "another owner for a package", "package.give", listing,
        {"name": {"help": "the package's"}, "owner": {"metavar": "address", "help": _ACCOUNT}},
    ),
    Command("audit", "proves that money and results are right; status 1 where not", "audit", reports.audit),
    Command(
        "statement", "all movements of an account", "statement", statement.report,
        {"address": {"help": _ACCOUNT}, "--csv": {"action": "store_true", "help": "for spreadsheets"}},
    ),
    Command(
        "backup", "a copy of the state, made while the scheduler works", "backup", listing,
        {"folder": {"type": Path, "help": "new, or that of a backup before, of which only what is new is added"}},
    ),
)  # fmt: skip


def run(command: Command, options: argparse.Namespace) -> int:
    """The exit status. Raises RefusedError, SchedulerError."""
    found: Any
    if command.operation == "backup":
        found = _back_up(options)
    elif command.operation == "statement":
        found = moved = statement.fetch(_reach(options), options.address)
        if options.csv:
            statement.write_csv(moved, sys.stdout)
            return 0
    elif command.operation == "package.publish":
        found = packages.publish(_reach(options), options)
    elif command.operation == "package.list":
        found = packages.fetch(_reach(options), options.name)
    else:
        found = _reach(options).ask(command.operation, _parameters(command, options))
    lines = [json.dumps(found, indent=2)] if options.json else command.report(found)
    print("\n".join(lines))
    return 1 if command.operation == "audit" and not found["ok"] else 0


def _reach(options: argparse.Namespace) -> Reach:
    return Reach(options.state, options.database, options.contents)


def _parameters(command: Command, options: argparse.Namespace) -> dict[str, Any]:
    named = {name.lstrip("-"): getattr(options, name.lstrip("-")) for name in command.arguments}
    given = {name: value for name, value in named.items() if value is not None}
    if command.has_secret:
        given["joinHash"] = _join_hash(options.joinKey if "joinKey" in given else options.group)
    return given


def _join_hash(key: str) -> str:
    """What a scheduler knows of a secret."""
    from dcp_protocol.keys.hashes import eh1

    return eh1(f"{key} {_secret()}")


def _secret() -> str:
    """Raises SchedulerError."""
    if not sys.stdin.isatty():
        secret = sys.stdin.readline(_LONGEST_SECRET + 1).rstrip("\r\n")
    else:
        secret = getpass.getpass("Secret of the group: ")
        if secret != getpass.getpass("The same again: "):
            raise SchedulerError("the two secrets are not the same; nothing was changed")
    if not secret or len(secret) > _LONGEST_SECRET:
        raise SchedulerError(f"a secret has 1 to {_LONGEST_SECRET} characters; nothing was changed")
    return secret


def _back_up(options: argparse.Namespace) -> dict[str, Any]:
    """Here in any case: SQLite lets others read while a scheduler writes."""
    from ..administration.backup import back_up

    if options.database:
        raise SchedulerError(
            "this database has backups of its own: run pg_dump first, then copy the folder contents"
            " and the file scheduler.key of the state"
        )
    return {**asdict(back_up(options.state, options.folder, options.contents)), "folder": str(options.folder)}
