"""Where keystores lie, and how they are read and written (``dcp-client/wallet/index.js``)."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from errno import ENOTDIR, errorcode
from pathlib import Path
from typing import NoReturn

from ..keys.address import Address
from .errors import KeystoreNotFoundError, MalformedKeystoreError, WalletError
from .keystore import LONGEST, Keystore

SUFFIX = ".keystore"
DEFAULT = "default"
"""The name of the keystore whose account is paid, and pays."""

IDENTITY = "id"
"""The name of the keystore that says who a program is."""

IN_THE_WAY = "there is a file or folder already, and it is not replaced: move it away first, or choose another name"


@dataclass(frozen=True, slots=True)
class LoadedKeystore:
    """``safe``: not everybody on the machine may read the file."""

    keystore: Keystore
    path: Path
    safe: bool


def resource_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """DCP's folder of the user: ``DCP_RESOURCE_DIR``, else ``.dcp`` in ``DCP_HOMEDIR`` (which only dcp-client 4 knows),
    else ``dcp`` in ``XDG_DATA_HOME``, else ``~/.dcp`` (``utils/resource-dir.js``, ``common/dcp-dot-dir.js``).
    """
    if folder := environment.get("DCP_RESOURCE_DIR"):
        return Path(folder)
    data_home = environment.get("XDG_DATA_HOME")
    home = environment.get("DCP_HOMEDIR")
    if data_home and home in (None, "", data_home):
        return Path(data_home, "dcp")
    return Path(home or environment.get("HOME") or _home(), ".dcp")


def application_folder(namespace: str) -> Path:
    """Where a program keeps keystores of its own."""
    return _home() / ".dcp" / "applications" / namespace


def keystore_path(name: str, folder: Path | None = None) -> Path:
    """Where the keystore of this name is written: a path, if a slash is in it, else a file in the user's folder."""
    path = Path(_expanded(name)) if "/" in name else (folder or resource_folder()) / f"{name}{SUFFIX}"
    try:
        return path.absolute()
    except OSError as error:  # the folder where this program runs was deleted
        _refuse(path, error)


def find(name: str = DEFAULT, folders: Sequence[Path] = ()) -> Path:
    """The file of the keystore: the first that exists in ``folders``, which a program has of its own, and the user's.

    A name with a slash is the path itself. Raises KeystoreNotFoundError; WalletError where something else has the name,
    or it may not be looked at.
    """
    candidates = [keystore_path(name, folder) for folder in (*folders, resource_folder())]
    for candidate in candidates:
        if os.path.isfile(candidate):  # noqa: PTH113 (a folder that may not be read holds none)
            return candidate
    for candidate in candidates:
        _refuse_what_is_no_file(candidate)
    if "/" in name:
        raise KeystoreNotFoundError(f"there is no keystore {candidates[0]}")
    places = ", ".join(str(candidate) for candidate in candidates)
    raise KeystoreNotFoundError(f"there is no keystore named {name!r}: looked for {places}")


def load(name: str = DEFAULT, folders: Sequence[Path] = ()) -> LoadedKeystore:
    """Finds and reads a keystore; one without label is called by its file.

    Raises KeystoreNotFoundError, MalformedKeystoreError, and WalletError with the system's code where it is unreadable.
    """
    path = find(name, folders)
    try:
        text, mode = _read(path)
    except OSError as error:
        _refuse(path, error)
    try:
        keystore = Keystore.parse(text)
    except MalformedKeystoreError as error:
        raise MalformedKeystoreError(f"{path}: {error}") from None
    keystore.label = keystore.label or path.name.removesuffix(SUFFIX)
    return LoadedKeystore(keystore, path, not mode & stat.S_IROTH)


def load_address(name: str = DEFAULT, folders: Sequence[Path] = ()) -> Address:
    """The address of a keystore, without its passphrase. Raises what ``load`` raises, also where it states none."""
    loaded = load(name, folders)
    if not loaded.keystore.address:
        raise MalformedKeystoreError(f"{loaded.path}: the keystore does not say which address it is of: unlock it")
    return loaded.keystore.address


def save(keystore: Keystore, path: Path, *, replace: bool = False) -> None:
    """Writes a keystore for the user alone (0600; a new folder 0700), whole or not at all.

    Raises WalletError with the code ``EEXIST`` where a file is and is not to be replaced, or with the system's code.
    """
    if replace:
        path = path.resolve()  # a link stays one
    made: Path | None = None
    try:
        _make_folder(path.parent)
        made = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        _write_new(made, keystore.to_json())
        if replace:
            made.replace(path)
        else:
            _place(made, path)
        _sync(path.parent)
    except OSError as error:
        _refuse(path, error)
    finally:
        if made:
            with contextlib.suppress(OSError):
                made.unlink()


def _read(path: Path) -> tuple[bytes, int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe of that name would wait
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise MalformedKeystoreError(f"{path} is no file")
        return file.read(LONGEST + 1), status.st_mode


def _refuse_what_is_no_file(path: Path) -> None:
    """Returns if there is nothing."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise MalformedKeystoreError(f"{path} is no file")
    except OSError as error:
        if path.is_symlink() or not isinstance(error, FileNotFoundError | NotADirectoryError):
            _refuse(path, error)


def _make_folder(path: Path) -> None:
    if path.is_dir():
        return
    _make_folder(path.parent)
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(ENOTDIR, f"{path} is no folder") from None


def _write_new(path: Path, text: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _place(made: Path, path: Path) -> None:
    """Gives the file its name, if no other has it."""
    try:
        path.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        made.replace(path)


def _sync(folder: Path) -> None:
    """So that a key that somebody may be paid to is still there after a power failure."""
    with contextlib.suppress(OSError):  # of folders that may not be read, and of file systems that cannot
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise WalletError(
            "ENOENT", "your home folder is not known: set HOME, or DCP_RESOURCE_DIR to the folder of the keystores"
        ) from None


def _expanded(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 (a home that is unknown stays as it is)


def _refuse(path: Path, error: OSError) -> NoReturn:
    code = errorcode.get(error.errno or 0, "EIO")
    reason = IN_THE_WAY if isinstance(error, FileExistsError) else error.strerror
    raise WalletError(code, f"{path}: {reason}") from error
