"""Where keystores lie, and how they are read and written, beside npm's wallet of both versions."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from keystore_samples import KEY, PASSPHRASE, names_in, sale, version_3

from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet import files
from dcp_protocol.wallet.errors import KeystoreNotFoundError, MalformedKeystoreError, WalletError
from dcp_protocol.wallet.keystore import Keystore
from npm_wallet import ask_npm_wallet

pytestmark = pytest.mark.any_engine

_PACKAGES = ("dcp", "dcp5")

# Where npm's wallet looks for a keystore in each environment, of which it tells where there is none.
_PLACES = r"""
    const places = [];
    for (const { environment, stateDir, namespaceName } of given) {
      Object.assign(process.env, { DCP_RESOURCE_DIR: "", DCP_HOMEDIR: "", XDG_DATA_HOME: "", ...environment });
      Object.assign(wallet, { stateDir, namespaceName });
      const { message } = await outcome(() => wallet.loadAddress({ name: "none" }));
      places.push(message.match(/\/[^"']*\.keystore/g));
    }
    return places;
"""


def written(path: Path, document: dict[str, Any] | None = None, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(version_3() if document is None else document), encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("packages", _PACKAGES)
def test_the_folder_of_the_user_is_that_of_npm(packages: str) -> None:
    environments: list[dict[str, str]] = [
        {},
        {"XDG_DATA_HOME": "/data"},
        {"DCP_RESOURCE_DIR": "/resources", "XDG_DATA_HOME": "/data"},
        {"DCP_RESOURCE_DIR": "", "XDG_DATA_HOME": ""},
    ]
    if packages == "dcp":  # dcp-client 5 does not know DCP_HOMEDIR
        environments += [
            {"DCP_HOMEDIR": "/else"},
            {"DCP_HOMEDIR": "/else", "XDG_DATA_HOME": "/data"},
            {"DCP_HOMEDIR": "/data", "XDG_DATA_HOME": "/data"},
            {"DCP_RESOURCE_DIR": "/resources", "DCP_HOMEDIR": "/else", "XDG_DATA_HOME": "/data"},
        ]
    given = [{"environment": {"HOME": "/home/somebody", **each}} for each in environments]
    theirs = ask_npm_wallet(_PLACES, given, packages=packages)
    ours = [[str(files.resource_folder(each["environment"]) / "none.keystore")] for each in given]
    assert ours == theirs


@pytest.mark.parametrize("packages", _PACKAGES)
def test_programs_have_folders_of_their_own_as_in_npm(packages: str, home: Path) -> None:
    given: list[dict[str, Any]] = [{"stateDir": "/state"}, {"namespaceName": "my-program"}]
    asked = [{"environment": {"HOME": str(home)}, **each} for each in given]
    theirs = ask_npm_wallet(_PLACES, asked, packages=packages)
    for folder, places in zip((Path("/state"), files.application_folder("my-program")), theirs, strict=True):
        with pytest.raises(KeystoreNotFoundError) as missing:
            files.find("none", [folder])
        assert str(missing.value) == f"there is no keystore named 'none': looked for {', '.join(places)}"
        assert missing.value.code == "ENOENT"


def test_the_first_keystore_counts(home: Path) -> None:
    own, shared = home / "own", home / ".dcp"
    written(shared / "default.keystore")
    assert files.find("default", [own]) == shared / "default.keystore"
    written(own / "default.keystore")
    assert files.find("default", [own]) == own / "default.keystore"
    assert files.find() == shared / "default.keystore"


def test_a_folder_with_the_name_of_a_keystore_is_none(home: Path) -> None:
    (home / "own" / "id.keystore").mkdir(parents=True)
    path = written(home / ".dcp" / "id.keystore")
    assert files.find("id", [home / "own"]) == path


def test_what_is_in_the_way_is_told(home: Path) -> None:
    folder = home / ".dcp"
    (folder / "folder.keystore").mkdir(parents=True)
    os.mkfifo(folder / "pipe.keystore")
    (folder / "dangling.keystore").symlink_to("nowhere")
    (folder / "circle.keystore").symlink_to("circle.keystore")
    reasons = {
        "folder": " is no file",
        "pipe": " is no file",
        "dangling": ": No such file or directory",
        "circle": ": Too many levels of symbolic links",
    }
    for name, reason in reasons.items():
        with pytest.raises(WalletError, match=f"^{folder}/{name}.keystore{reason}$") as refused:
            files.find(name)
        assert not isinstance(refused.value, KeystoreNotFoundError)


def test_the_working_folder_may_be_gone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "gone").mkdir()
    monkeypatch.chdir(home / "gone")
    (home / "gone").rmdir()
    with pytest.raises(WalletError, match=r"^x/y: No such file or directory$"):
        files.find("x/y")


def test_what_could_not_be_read_again_is_not_written(home: Path) -> None:
    path = written(home / "my.keystore")
    text = path.read_bytes()
    for label in ("x" * 66_000, "\x01" * 11_000):
        with pytest.raises(MalformedKeystoreError, match="at most 65536 bytes: give it a shorter label"):
            files.save(Keystore.create(KEY, "", label=label), path, replace=True)
    assert path.read_bytes() == text
    assert names_in(home) == ["my.keystore"]


def test_a_name_with_a_slash_is_a_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(home / "keys" / "mine")
    monkeypatch.chdir(home / "keys")
    for name in ("~/keys/mine", str(path), "./mine", "../keys/mine"):
        assert files.find(name).samefile(path)
        assert files.load(name).keystore.address == KEY.address
    with pytest.raises(KeystoreNotFoundError, match=f"there is no keystore {home}/keys/other$"):
        files.find("./other")


def test_a_user_without_home_is_told_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)  # of whom the system knows nothing
    with pytest.raises(WalletError, match="set HOME, or DCP_RESOURCE_DIR") as refused:
        files.find("id")
    assert refused.value.code == "ENOENT"


@pytest.mark.parametrize("packages", _PACKAGES)
def test_what_is_read_is_what_npm_reads(packages: str, home: Path) -> None:
    """Label, address, and whether the file is safe."""
    cases = {
        "plain": (version_3(), 0o600),
        "open": (version_3(), 0o604),
        "group": (version_3(), 0o640),
        "labelled": ({**version_3(), "label": "my label"}, 0o600),
        "spaced": (version_3(), 0o400),
    }
    for name, (document, mode) in cases.items():
        written(home / ".dcp" / f"{name}.keystore", document, mode)
    path = home / ".dcp" / "spaced.keystore"
    path.chmod(0o600)
    path.write_text(f"\n {path.read_text()}\n\n")
    code = """
        const loaded = [];
        for (const name of given) {
          const { keystore, filename, safe } = await wallet.load(name.includes("/") ? name : { name });
          loaded.push([String(keystore.address), keystore.label, filename, safe]);
        }
        return loaded;
    """
    names = [*cases, f"{home}/.dcp/plain.keystore"]
    ours = [files.load(name) for name in names]
    assert [[each.keystore.address, each.keystore.label, str(each.path), each.safe] for each in ours] == ask_npm_wallet(
        code, names, packages=packages, environment={"HOME": str(home)}
    )
    assert [files.load_address(name) for name in names] == [KEY.address] * len(names)


def test_an_address_that_only_the_key_tells(home: Path) -> None:
    written(home / ".dcp" / "sale.keystore", sale())
    with pytest.raises(MalformedKeystoreError, match=f"{home}/.dcp/sale.keystore: the keystore does not say which"):
        files.load_address("sale")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no JSON"), (b"{}", "none of the formats"), (b"\x00" * 100_000, "at most"), (b"[]", "no object")],
)
def test_files_that_are_no_keystores(home: Path, content: bytes, message: str) -> None:
    path = written(home / ".dcp" / "default.keystore")
    path.write_bytes(content)
    with pytest.raises(MalformedKeystoreError, match=f"^{path}: .*{message}"):
        files.load()


def test_what_is_no_file_does_not_hold_anybody_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a pipe took the place of the file that was looked at."""
    path = home / "pipe"
    os.mkfifo(path)
    monkeypatch.setattr(os.path, "isfile", lambda _: True)
    with pytest.raises(MalformedKeystoreError, match=f"{path} is no file"):
        files.load(str(path))


@pytest.mark.parametrize("packages", _PACKAGES)
def test_npm_reads_what_we_save(packages: str, home: Path) -> None:
    path = files.keystore_path("default")
    files.save(Keystore.create(KEY, PASSPHRASE), path)
    code = """
        const { keystore } = await wallet.load({ name: "default" });
        const key = await keystore.unlock(given);
        return [keystore.label, String(key)];
    """
    answer = ask_npm_wallet(code, PASSPHRASE, packages=packages, environment={"HOME": str(home)})
    assert answer == ["default", f"0x{KEY.secret().hex()}"]


@pytest.mark.parametrize("packages", _PACKAGES)
def test_we_read_what_npm_saves(packages: str, home: Path) -> None:
    path = home / "of-npm" / "id.keystore"
    code = """
        const keystore = await new wallet.Keystore(null, given.passphrase);
        keystore.label = "made by npm";
        await wallet.save(keystore, given.path);
        return [String(keystore.address), String(await keystore.unlock(given.passphrase))];
    """
    address, key = ask_npm_wallet(code, {"path": str(path), "passphrase": PASSPHRASE}, packages=packages)
    loaded = files.load("id", [path.parent])
    assert (loaded.keystore.address, loaded.keystore.label) == (address, "made by npm")
    opened = loaded.keystore.open(PASSPHRASE)
    assert opened == PrivateKey.parse(key)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_the_user_may_read_what_is_saved(home: Path, mask: int) -> None:
    path = home / "new" / "folder" / "my.keystore"
    before = os.umask(mask)
    try:
        files.save(Keystore.create(KEY, ""), path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert names_in(path.parent) == ["my.keystore"]


def test_a_keystore_is_replaced_only_on_demand(home: Path) -> None:
    path = home / "my.keystore"
    other = PrivateKey.generate()
    written(path, mode=0o644)
    text = path.read_bytes()
    with pytest.raises(WalletError, match=f"{path}: there is a file or folder already") as refused:
        files.save(Keystore.create(other, ""), path)
    assert refused.value.code == "EEXIST"
    assert path.read_bytes() == text
    files.save(Keystore.create(other, ""), path, replace=True)
    assert files.load(str(path)).keystore.open("") == other
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(home) == ["my.keystore"]


def test_a_link_stays_one(home: Path) -> None:
    path = written(home / "store" / "my.keystore")
    link = home / "id.keystore"
    link.symlink_to(path)
    files.save(Keystore.create(KEY, ""), link, replace=True)
    assert link.readlink() == path
    assert files.load(str(path)).keystore.open("") == KEY
    broken = home / "broken.keystore"
    broken.symlink_to(home / "nowhere" / "x")
    with pytest.raises(WalletError, match="there is a file or folder already"):
        files.save(Keystore.create(KEY, ""), broken)


@pytest.mark.parametrize("replace", [False, True])
def test_what_is_saved_is_on_the_disk(home: Path, monkeypatch: pytest.MonkeyPatch, replace: bool) -> None:
    path = home / "id.keystore"
    synced: list[tuple[int, bool]] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append((os.fstat(descriptor).st_ino, path.exists())))
    files.save(Keystore.create(KEY, ""), path, replace=replace)
    assert synced == [(path.stat().st_ino, False), (home.stat().st_ino, True)]


def test_one_of_many_writers_wins(home: Path) -> None:
    path = home / "id.keystore"
    keys = [PrivateKey.generate() for _ in range(8)]
    saved: list[PrivateKey] = []

    def save(key: PrivateKey) -> None:
        try:
            files.save(Keystore.create(key, ""), path)
        except WalletError as error:
            assert error.code == "EEXIST"
        else:
            saved.append(key)

    threads = [threading.Thread(target=save, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [files.load(str(path)).keystore.open("")] == saved
    assert names_in(home) == ["id.keystore"]


def test_a_file_system_without_links(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = home / "id.keystore"
    files.save(Keystore.create(KEY, ""), path)
    assert files.load(str(path)).keystore.open("") == KEY
    with pytest.raises(WalletError, match="there is a file or folder already"):
        files.save(Keystore.create(KEY, ""), path)
    assert names_in(home) == ["id.keystore"]


def test_faults_of_the_system_have_its_codes(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(WalletError, match=f"{home}/file/x: {home}/file is no folder") as refused:
        files.save(Keystore.create(KEY, ""), home / "file" / "x")
    assert refused.value.code == "ENOTDIR"


def test_a_full_disk_leaves_the_old_keystore(home: Path) -> None:
    """In a process of its own, whose files may have no more than 100 bytes."""
    path = written(home / "id.keystore")
    text = path.read_bytes()
    code = f"""
import pathlib, resource, signal
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet import files
from dcp_protocol.wallet.errors import WalletError
from dcp_protocol.wallet.keystore import Keystore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    files.save(Keystore.create(PrivateKey.generate(), ""), pathlib.Path({str(path)!r}), replace=True)
except WalletError as error:
    print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout, done.stderr) == ("EFBIG\n", "")
    assert path.read_bytes() == text
    assert names_in(home) == ["id.keystore"]
