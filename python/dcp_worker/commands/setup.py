"""``dcp-worker setup``: makes ready what a worker needs, step by step; what is there already stays as it is."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from dcp_protocol.commands.passphrase_sources import PassphraseSource
from dcp_protocol.keys.address import Address
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet import files
from dcp_protocol.wallet.keystore import STRONG_SCRYPT_N, Keystore

from ..configuration.configuration import Configuration
from ..configuration.load import load
from ..configuration.places import users_file
from ..configuration.toml_text import commented_file
from ..configuration.values import Path as KeyPath
from ..configuration.values import as_json, dotted, lookup
from ..errors import WorkerError
from ..node.startup import Startup, startup_at
from . import self_test, startup
from .line import tell
from .options import PROGRAM
from .packages import DEFAULT_VERSION, KNOWN_VERSIONS
from .parser import Parser

_NAME: Final = f"{PROGRAM} setup"
_DESCRIPTION: Final = f"""\
Makes ready what a worker needs: the start-up files of dcp-client, keystores of its identity and of the account that is
paid, and a configuration file with comments; then tries whether a slice can run. What is there already stays as it is.
Asks on a terminal only, and does without answers where there is none.

Start-up files are taken from where an installed dcp-worker of npm has them, or fetched from the registry that npm is
configured for, by name, version and hash; npm itself is not needed. Versions with a known hash:
{", ".join(KNOWN_VERSIONS)}."""
_EPILOG: Final = """\
exit status: 0 done; 1 a step failed, of which the message says why"""


def run(arguments: Sequence[str]) -> int:
    """Raises WorkerError, ProtocolError, OSError."""
    options = _parser().parse(arguments)
    configuration = load()
    for advice in configuration.advice():
        tell(PROGRAM, advice)
    client = _startup_files(options, configuration)
    _identity()
    account = _account(options, configuration)
    _configuration_file(options, configuration, account, client)
    _try(configuration, client)
    _say("ready", f"{PROGRAM} starts the worker")
    return 0


def _parser() -> Parser:
    parser = Parser(_NAME, _DESCRIPTION, _EPILOG)
    group = parser.add_argument_group("start-up files")
    parser.option(
        "--from", group=group, dest="sources", metavar="PATH", type=Path, action="append", default=[],
        help="a folder of dcp-client, or a .tgz of it, of kvin, of bravojs; may be given several times",
    )  # fmt: skip
    parser.option("--fetch", group=group, action="store_true", help="fetch them even where an installed one is found")
    parser.option(
        "--client-version", group=group, metavar="X.Y.Z", default=DEFAULT_VERSION,
        help=f"version of dcp-client that is fetched (default: {DEFAULT_VERSION})",
    )  # fmt: skip
    parser.option("--integrity", group=group, metavar="SHA512", help="its hash, where that is not known here")
    parser.option("--registry", group=group, metavar="URL", help="a registry of npm (default: npm's configuration)")
    group = parser.add_argument_group("who is paid")
    chosen = group.add_mutually_exclusive_group()
    parser.option("--paymentAddress", group=chosen, metavar="ADDRESS", help="an account that you have")
    parser.option("--payment-keystore", group=chosen, metavar="FILE", type=Path, help="its keystore, to be copied")
    parser.option("--new-account", group=chosen, action="store_true", help="a new account, without asking")
    parser.option(
        "--passphrase-file",
        group=group,
        metavar="FILE",
        type=Path,
        help="its first line locks a new account's keystore",
    )
    group = parser.add_argument_group("configuration")
    parser.option("--dcp-scheduler", group=group, metavar="URL", help="the scheduler of your network")
    return parser


def _startup_files(options: argparse.Namespace, configuration: Configuration) -> Startup:
    configured = configuration.settings.node.startup_files
    if options.sources:
        client = startup.take(options.sources, options.registry, os.environ)
    elif options.fetch:
        client = startup.fetch(options.client_version, options.integrity, options.registry, os.environ)
    elif configured:
        client = startup_at(Path(configured))
    else:
        client = startup.find(os.environ) or startup.fetch(
            options.client_version, options.integrity, options.registry, os.environ
        )
    _say("start-up files", f"{len(client.files)}, of dcp-client {client.version} in {client.client}")
    return client


def _identity() -> None:
    path = files.keystore_path(files.IDENTITY)
    if os.path.lexists(path):
        keystore = files.load(str(path)).keystore
        _say("identity", f"{keystore.address or 'locked'}, in {path}")
        return
    key = PrivateKey.generate()
    files.save(Keystore.create(key, "", label="identity of a worker"), path)  # a worker starts without its owner
    _say("identity", f"{key.address}, new, in {path}")


def _account(options: argparse.Namespace, configuration: Configuration) -> Address | None:
    """Where it must stand in the configuration; None where a keystore says it."""
    if options.paymentAddress:
        address = _address(options.paymentAddress)
        _say("account", f"{address}")
        return address
    path = files.keystore_path(files.DEFAULT)
    if options.payment_keystore:
        keystore = files.load(str(options.payment_keystore.absolute())).keystore
        files.save(keystore, path)
        _say("account", f"{keystore.address or 'locked'}, in {path}")
        return None
    if configured := configuration.settings.payment_address:
        _say("account", f"{configured}, as it is configured")
        return None
    if os.path.lexists(path):
        _say("account", f"{files.load(str(path)).keystore.address or 'locked'}, in {path}")
        return None
    if not options.new_account and (given := _asked()):
        return given
    _new_account(options, path)
    return None


def _asked() -> Address | None:
    """On a terminal, if the user has an account; None for a new one."""
    if not (sys.stdin and sys.stdin.isatty()):
        return None
    while True:
        print(
            "Which account is to be paid? Its address, or nothing for a new one: ", end="", file=sys.stderr, flush=True
        )
        answer = sys.stdin.readline().strip()
        if not answer:
            return None
        try:
            return Address(answer)
        except ValueError as error:
            print(error, file=sys.stderr)


def _new_account(options: argparse.Namespace, path: Path) -> None:
    """Locked where there is a passphrase to be had."""
    passphrase = ""
    if options.passphrase_file or (sys.stdin and sys.stdin.isatty() and not options.new_account):
        passphrase = PassphraseSource("passphrase", options.passphrase_file).new_passphrase()
    key = PrivateKey.generate()
    keystore = (
        Keystore.create(key, passphrase, label="account of a worker", n=STRONG_SCRYPT_N)
        if passphrase
        else Keystore.create(key, "", label="account of a worker")
    )
    files.save(keystore, path)
    _say("account", f"{key.address}, new, in {path}: keep a copy of this file, without which what is earned is lost")
    if not passphrase:
        _say("", "whoever can read it can spend what is earned; dcp-keystore change-passphrase default locks it")


def _configuration_file(
    options: argparse.Namespace, configuration: Configuration, account: Address | None, client: Startup
) -> None:
    path = users_file(os.environ)
    values = dict(_values(options, account, client))
    if os.path.lexists(path):
        _say("configuration", f"{path}, which stays as it is")
        for key, value in values.items():
            if as_json(lookup(configuration.tree, key)) != value:
                _say("", f"it does not say {dotted(key)} = {json.dumps(value)}: add that")
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(commented_file(values))
    path.chmod(0o600)
    _say("configuration", f"{path}, new")
    load(options.dcp_scheduler).settings  # noqa: B018 (what was written can be read)


def _values(options: argparse.Namespace, account: Address | None, client: Startup) -> Iterator[tuple[KeyPath, Any]]:
    if account:
        yield ("worker", "paymentAddress"), str(account)
    if options.dcp_scheduler:
        yield ("scheduler", "location"), options.dcp_scheduler
    yield ("node", "startupFiles"), str(client.client)


def _try(configuration: Configuration, client: Startup) -> None:
    _say("self-test", f"a slice ran in a sandbox ({self_test.run_slice(client, configuration.settings.node)})")


def _address(text: str) -> Address:
    try:
        return Address(text)
    except ValueError as error:
        raise WorkerError(f"--paymentAddress: {error}") from None


def _say(step: str, text: str) -> None:
    print(f"{step:<16}{text}", flush=True)
