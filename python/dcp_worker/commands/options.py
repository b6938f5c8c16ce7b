"""The options of ``dcp-worker``, which are those of npm's, and what they say of its configuration."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..configuration.configuration import Configuration
from ..configuration.kinds import Kind
from ..configuration.log_settings import TRANSPORTS, MetricsPlace, Outputs
from ..configuration.settings import WEB_PORT
from ..configuration.values import Tree, lookup
from .parser import Parser, ShowVersion, boolean, number, spellings, two_numbers, whole

PROGRAM: Final = "dcp-worker"
COMMANDS: Final = ("status", "logs", "pause", "resume", "finish", "stop", "exit-when-done")
"""Those that speak with a running worker."""

_DESCRIPTION: Final = """\
Fetches slices of jobs from a DCP scheduler, runs them in sandboxes on this machine, and is paid for them."""
_EPILOG: Final = """\
dcp-worker setup      makes ready what a worker needs: start-up files, keystores, a configuration file
dcp-worker config     which files and variables say what; --explain KEY
dcp-worker status     what a running worker does; --json
dcp-worker dashboard  the same in this terminal, with keys for orders
dcp-worker web        the same as a page for browsers
dcp-worker logs       the last lines of its log; --follow
dcp-worker pause      it rests, or its GPU does; --for TIME; resume takes that back
dcp-worker report     what it has done and earned, by day; --csv, --json
dcp-worker finish     it takes no new work, and ends once it has done what it has
dcp-worker stop       it ends

exit status:
  0    the worker has ended
  1    wrong command line or configuration, no scheduler, or another worker holds the pid file
  3    of status and the like: no worker runs
  130  interrupted before the worker had begun"""

_HASH_LENGTH: Final = 68


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises UsageError."""
    names = {spelling for name in ("--show-hidden", "--dcp-options") for spelling in spellings(name)}
    return build(show_hidden=any(argument in names for argument in arguments)).parse(arguments)


def build(*, show_hidden: bool = False) -> Parser:
    """``show_hidden``: whether the help has the options that are seldom needed."""
    parser = Parser(PROGRAM, _DESCRIPTION, _EPILOG, f"{PROGRAM} [OPTIONS]\n       {PROGRAM} COMMAND [OPTIONS]")

    def seldom(text: str) -> str:
        return text if show_hidden else argparse.SUPPRESS

    parser.option("--version", action=ShowVersion, nargs=0, help="show the version, and end")
    parser.option("--show-hidden", "--dcp-options", action="store_true", help="with --help: show all options")
    _work(parser, seldom)
    _groups(parser, seldom)
    _keys(parser, seldom)
    _output(parser)
    _configuration(parser, seldom)
    return parser


def _work(parser: Parser, seldom: Any) -> None:
    group = parser.add_argument_group("work")
    parser.option("-c", "--cores", group=group, type=two_numbers, metavar="CPU,GPU", help="cores to use: 7,1 or 7")
    parser.option(
        "-u", "--utilization", group=group, type=two_numbers, metavar="CPU,GPU", help="share of them to use: 0.8,0.75"
    )
    parser.option("-m", "--maxSandboxes", group=group, type=whole(1, 100_000), metavar="N", help="sandboxes at a time")
    parser.option("-H", "--hostname", group=group, metavar="HOST", help="an evaluator elsewhere (default: its own)")
    parser.option("-p", "--port", group=group, type=whole(1, 65535), metavar="PORT", help="its port (default: 9000)")
    parser.option(
        "-a", "--allowedOrigins", group=group, nargs="+", action="extend", metavar="ORIGIN",
        help="origins that are allowed for all purposes, added to the configured ones",
    )  # fmt: skip
    parser.option(
        "--exit-when-done", group=group, dest="exit_when_done", action="store_true",
        help="end once the scheduler has no work",
    )  # fmt: skip
    parser.option("--dialect", group=group, choices=("auto", "4", "5"), help="as which dcp-client it speaks")
    parser.option("--engine", group=group, choices=("auto", "quickjs", "v8"), help="JavaScript engine")
    parser.option("--dcp-client", group=group, metavar="DIR", help="the dcp-client of which start-up files are loaded")
    parser.option(
        "-W",
        "--watchdogInterval",
        group=group,
        type=number(0.1, 1e6),
        metavar="SECONDS",
        help=seldom("how often all is looked at"),
    )


def _groups(parser: Parser, seldom: Any) -> None:
    group = parser.add_argument_group("jobs and compute groups")
    parser.option(
        "-j", "--job-id", group=group, nargs="+", action="extend", metavar="JOB", help=seldom("only these jobs")
    )
    parser.option(
        "-g", "--join", group=group, nargs="+", action="extend", metavar="KEY,SECRET",
        help=seldom("a compute group to join, with its secret or the hash of it (eh1-...)"),
    )  # fmt: skip
    parser.option("--joinKeystore", group=group, metavar="FILE", help=argparse.SUPPRESS)
    for name, text in (
        ("leavePublicGroup", "no work of the public compute group"),
        ("publicGroupFallback", "the public compute group only when the others have no work"),
    ):
        parser.option(
            f"--{name}", group=group, nargs="?", const=True, type=boolean, metavar="true|false", help=seldom(text)
        )
        parser.option(
            f"--no-{name}", group=group, dest=name, action="store_false", default=None, help=argparse.SUPPRESS
        )


def _keys(parser: Parser, seldom: Any) -> None:
    group = parser.add_argument_group("account and identity")
    parser.option("--paymentAddress", group=group, metavar="ADDRESS", help="the account that is paid")
    parser.option(
        "--defaultPaymentAddressToDCP", group=group, nargs="?", const=True, default=False, type=boolean,
        metavar="true|false", help="without an account, the DCP community is paid",
    )  # fmt: skip
    parser.option("--default-bank-account", group=group, metavar="NAME", help=seldom("the keystore of the account"))
    parser.option("--default-bank-account-file", group=group, metavar="FILE", help=seldom("the same, as a file"))
    parser.option("-i", "--identity", group=group, metavar="NAME", help=seldom("the keystore of the identity"))
    parser.option("-I", "--identity-file", group=group, metavar="FILE", help=seldom("the same, as a file"))
    parser.option(
        "--identityKey",
        group=group,
        metavar="HEX",
        help=seldom("the identity's private key; others on this machine see it"),
    )
    parser.option("--identityKeystore", group=group, metavar="JSON", help=seldom("the text of the identity's keystore"))
    parser.option("--dcp-identity", group=group, metavar="X", help=seldom("a key, the text of a keystore, or its file"))
    parser.option(
        "--identity-passphrase-file",
        group=group,
        metavar="FILE",
        type=Path,
        help=seldom("its first line unlocks the identity"),
    )
    parser.option(
        "--identity-passphrase-fd",
        group=group,
        metavar="N",
        type=whole(0, 1 << 20),
        help=seldom("the same, a descriptor"),
    )


def _output(parser: Parser) -> None:
    group = parser.add_argument_group("output")
    parser.option("-v", "--verbose", group=group, action="count", default=0, help="tell of fetches; -vv: submissions")
    parser.option(
        "-o", "--outputMode", "--output", group=group, type=_outputs, metavar="OUTPUT[:LEVEL],...",
        help="console, dashboard, logfile, json, syslog, journal or several, each from a level on: "
        "console,logfile:debug",
    )  # fmt: skip
    parser.option(
        "--web", group=group, nargs="?", const=WEB_PORT, type=whole(0, 65535), metavar="PORT",
        help=f"a page for browsers on this machine (port {WEB_PORT}, unless PORT says another; 0: any)",
    )  # fmt: skip
    parser.option(
        "--metrics", group=group, metavar="[ADDRESS:]PORT", type=_metrics, help="serve OpenMetrics there (this machine)"
    )
    parser.option(
        "--reportInterval", group=group, type=number(0, 1e9), metavar="SECONDS", help="how often slices are reported"
    )
    parser.option("--logfile", group=group, metavar="FILE", help="the file of the output logfile")
    parser.option("--jsonFile", group=group, metavar="FILE", help="the file of the output json")
    parser.option("--syslogAddress", group=group, metavar="HOST")
    parser.option("--syslogFacility", group=group, metavar="NAME")
    parser.option("--syslogTransport", group=group, choices=TRANSPORTS)
    parser.option("--syslogPort", group=group, type=whole(1, 65535), metavar="PORT")
    parser.option(
        "-f", "--pidFile", group=group, nargs="?", const="", metavar="FILE", help="keep the process id in a file"
    )


def _configuration(parser: Parser, seldom: Any) -> None:
    group = parser.add_argument_group("configuration")
    parser.option("--dcp-scheduler", group=group, metavar="URL", help="the scheduler")
    parser.option("--dcp-config-location", group=group, metavar="URL", help=seldom("of the scheduler's configuration"))
    parser.option("--configScope", group=group, metavar="NAME", help=seldom("read the files of this scope too"))
    parser.option("--dcpConfig", group=group, metavar="FILE", help=argparse.SUPPRESS)
    parser.option("--showConfig", group=group, metavar="PATH", help="show a part of the configuration, and end")
    parser.option("--dumpConfig", group=group, action="store_true", help=seldom("show all of it as JSON, and end"))


def fragment(options: argparse.Namespace, configuration: Configuration) -> Tree:
    """What the options say over the configuration; lists are longer than those there."""
    worker: Tree = {}
    for name in ("cores", "utilization"):
        if pair := getattr(options, name):
            worker[name] = {part: value for part, value in zip(("cpu", "gpu"), pair, strict=True) if value is not None}
    for name in ("maxSandboxes", "watchdogInterval", "paymentAddress", "leavePublicGroup", "publicGroupFallback"):
        if (value := getattr(options, name)) is not None:
            worker[name] = value
    if options.join:
        joined = [_group(text) for text in options.join if not text.startswith(",")]
        worker["computeGroups"] = [*_listed(configuration, "computeGroups"), *joined]
    if options.job_id:
        worker["jobAddresses"] = [*_jobs(configuration), *options.job_id]
    if options.allowedOrigins:
        worker["allowOrigins"] = {"any": [*_listed(configuration, "allowOrigins", "any"), *options.allowedOrigins]}
    node: Tree = {"dialect": options.dialect, "engine": options.engine, "startupFiles": options.dcp_client}
    node |= {"log": _log(options) or None, "metrics": options.metrics}
    node["web"] = None if options.web is None else {"port": options.web}
    tree: Tree = {"worker": worker, "node": {name: value for name, value in node.items() if value is not None}}
    if options.hostname is not None or options.port is not None:
        tree["evaluator"] = {"location": _evaluator(options, configuration)}
    if options.dcp_config_location:
        tree["scheduler"] = {"configLocation": options.dcp_config_location}
    return tree


def _log(options: argparse.Namespace) -> Tree:
    syslog = {name.lower(): getattr(options, f"syslog{name}") for name in ("Address", "Facility", "Transport", "Port")}
    log = {"outputs": options.outputMode, "file": options.logfile, "jsonFile": options.jsonFile}
    log["syslog"] = {name: value for name, value in syslog.items() if value is not None} or None
    return {name: value for name, value in log.items() if value is not None}


def _outputs(text: str) -> str:
    """A kind of arguments."""
    return _readable(Outputs(), text)


def _metrics(text: str) -> str:
    return _readable(MetricsPlace(), text)


def _readable(kind: Kind, text: str) -> str:
    try:
        kind.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _listed(configuration: Configuration, *path: str) -> list[Any]:
    value = lookup(configuration.tree, ("worker", *path))
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _jobs(configuration: Configuration) -> list[Any]:
    jobs = configuration.settings.jobs
    return list(jobs or ())


def _group(text: str) -> Tree:
    key, _, secret = text.partition(",")
    is_hash = secret.startswith("eh1-") and len(secret) == _HASH_LENGTH
    return {"joinKey": key, "joinHash" if is_hash else "joinSecret": secret}


def _evaluator(options: argparse.Namespace, configuration: Configuration) -> str:
    parts = urlsplit(configuration.settings.evaluator.location or "")
    host = options.hostname or parts.hostname or "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{options.port or parts.port or 9000}/"
