"""The command ``dcp-keystore``: makes, shows and changes keystores where DCP's programs look for them."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ProtocolError
from ..keys.private_key import PrivateKey
from ..wallet import files
from ..wallet.errors import KeystoreNotFoundError
from ..wallet.files import LoadedKeystore
from ..wallet.keystore import SCRYPT_N, STRONG_SCRYPT_N, Keystore, shown
from .line import Parser, ShowVersion, run_command
from .passphrase_sources import PassphraseSource

_NAME = "dcp-keystore"
_STRONGEST_SCRYPT_N = 1 << 19
_DESCRIPTION = """\
Makes, shows and changes keystores: files with a private key, encrypted with a passphrase, as DCP's programs read them.
NAME is the name of a keystore in the folder of DCP (~/.dcp): default, which stands for the account that is paid, unless
another is given; id is the identity of programs. With a slash in it, it is the path of a file."""
_EPILOG = """\
Passphrases come from the terminal, or are the first line of a file or of what a descriptor gives.

exit status:
  0  done
  1  there is no such keystore, or it is damaged, or the passphrase is wrong, or a file cannot be written
  2  wrong command line"""


def main() -> None:
    """Runs the command with the program's arguments, and ends the process."""
    run_command(_NAME, _run)


def _run(arguments: Sequence[str]) -> None:
    options = _parser().parse(arguments)
    options.run(options)


def _new(options: argparse.Namespace) -> None:
    path = files.keystore_path(options.name)
    if os.path.lexists(path):  # before anybody types a passphrase; save() looks again
        raise ProtocolError("EEXIST", f"{path}: {files.IN_THE_WAY}")
    key = PrivateKey.generate()
    files.save(_created(options, key, options.label), path)
    print(key.address)
    _tell(f"wrote {path}")


def _show(options: argparse.Namespace) -> None:
    facts = _facts(_loaded(options.name))
    if options.json:
        print(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        print(f"{name:<12}{_word(value)}")


def _address(options: argparse.Namespace) -> None:
    keystore = _loaded(options.name).keystore
    print(keystore.address or _source(options, "passphrase").unlock(keystore).address)


def _change_passphrase(options: argparse.Namespace) -> None:
    loaded = _loaded(options.name)
    key = _source(options, "passphrase").unlock(loaded.keystore)
    files.save(_created(options, key, loaded.keystore.label), loaded.path, replace=True)
    _tell(f"wrote {loaded.path}")


def _loaded(name: str) -> LoadedKeystore:
    try:
        return files.load(name)
    except KeystoreNotFoundError as error:
        raise KeystoreNotFoundError(f"{error}; make one with {_NAME} new {shlex.quote(name)}") from None


def _created(options: argparse.Namespace, key: PrivateKey, label: str | None) -> Keystore:
    """Encrypted with the passphrase that is to be."""
    if options.without_passphrase:
        return Keystore.create(key, "", label=label)
    passphrase = _source(options, options.new_passphrase).new_passphrase()
    return Keystore.create(key, passphrase, label=label, n=options.scrypt_n)


def _source(options: argparse.Namespace, option: str) -> PassphraseSource:
    name = option.replace("-", "_")
    return PassphraseSource(option, getattr(options, f"{name}_file"), getattr(options, f"{name}_fd"))


def _facts(loaded: LoadedKeystore) -> dict[str, Any]:
    keystore = loaded.keystore
    return {
        "file": str(loaded.path),
        "address": keystore.address,
        "label": shown(keystore.label or ""),
        "format": keystore.format,
        "cipher": keystore.cipher,
        "derivation": str(keystore.derivation),
        "passphrase": keystore.open("") is None,
        "timestamp": keystore.field("timestamp"),
        "process": keystore.field("process"),
        "safe": loaded.safe,
    }


def _word(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _tell(message: str) -> None:
    print(f"{_NAME}: {message}", file=sys.stderr)


def _parser() -> Parser:
    parser = Parser(_NAME, _DESCRIPTION, _EPILOG)
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    new = _command(commands, "new", _new, "make a key and its keystore, and print its address")
    new.add_argument("--label", metavar="TEXT", help="what people call it; the name of the file unless given")
    _add_new_passphrase(new, "passphrase")

    show = _command(
        commands,
        "show",
        _show,
        "print what is known of a keystore without its passphrase; safe: not everybody may read it",
    )
    show.add_argument("--json", action="store_true", help="for programs")

    address = _command(commands, "address", _address, "print the address, for which few keystores need the passphrase")
    _add_passphrase(address, "passphrase")

    change = _command(commands, "change-passphrase", _change_passphrase, "encrypt the key of a keystore anew")
    _add_passphrase(change, "passphrase")
    _add_new_passphrase(change, "new-passphrase")
    return parser


def _command(commands: Any, name: str, run: Any, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=description, description=description)
    parser.add_argument("name", metavar="NAME", nargs="?", type=_keystore_name, default=files.DEFAULT)
    parser.set_defaults(run=run)
    return parser


def _add_passphrase(parser: argparse.ArgumentParser, option: str) -> argparse._MutuallyExclusiveGroup:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(f"--{option}-file", metavar="FILE", type=Path, help="take the passphrase from a file")
    group.add_argument(f"--{option}-fd", metavar="N", type=_descriptor, help="take the passphrase from a descriptor")
    return group


def _add_new_passphrase(parser: argparse.ArgumentParser, option: str) -> None:
    group = _add_passphrase(parser, option)
    group.add_argument(
        f"--no-{option}", dest="without_passphrase", action="store_true", help="anybody who reads the file has the key"
    )
    parser.add_argument(
        "--scrypt-n",
        metavar="N",
        type=_scrypt_n,
        default=STRONG_SCRYPT_N,
        help=f"cost of one guess, a power of two; {STRONG_SCRYPT_N} unless given; npm's wallet writes {SCRYPT_N}",
    )
    parser.set_defaults(new_passphrase=option)


def _keystore_name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("a keystore has a name")
    return text


def _descriptor(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise argparse.ArgumentTypeError("this is not the number of a descriptor")
    return int(text)


def _scrypt_n(text: str) -> int:
    n = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not SCRYPT_N <= n <= _STRONGEST_SCRYPT_N or n & (n - 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a power of two from {SCRYPT_N} to {_STRONGEST_SCRYPT_N}")
    return n
