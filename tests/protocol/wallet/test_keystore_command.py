"""``dcp-keystore``, as a user runs it."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from keystore_samples import KEY, PASSPHRASE, SALE_KEY, names_in, sale, version_3

from dcp_protocol.keys.address import Address
from dcp_protocol.wallet import files
from dcp_protocol.wallet.keystore import Keystore
from npm_wallet import ask_npm_wallet

pytestmark = pytest.mark.any_engine

_COMMAND = str(Path(sys.prefix) / "bin" / "dcp-keystore")
_DEADLINE = 100.0
_FAST = ("--scrypt-n", "1024")
_ASK_OLD, _ASK_NEW, _ASK_AGAIN = (
    "Enter your passphrase (default): ",
    "Enter a passphrase for your Keystore: ",
    "Please confirm new passphrase by entering it again: ",
)


def run(*arguments: str | Path, text: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Without a terminal; ``text`` is on standard input."""
    done = subprocess.run(
        [_COMMAND, *map(str, arguments)],
        input=text,
        start_new_session=True,
        capture_output=True,
        timeout=_DEADLINE,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def succeed(*arguments: str | Path, text: bytes = b"") -> str:
    """What it prints on stdout."""
    done = run(*arguments, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fail(status: int, *arguments: str | Path, text: bytes = b"") -> str:
    """Its one message."""
    done = run(*arguments, text=text)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line.removeprefix("dcp-keystore: ")


class Terminal:
    """A user who waits for each prompt and types an answer, which must not be seen."""

    def __init__(self, *arguments: str) -> None:
        self._user, self._terminal = pty.openpty()
        self._process = subprocess.Popen(
            ["sh", "-c", f'exec "$0" "$@" < {os.ttyname(self._terminal)}', _COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # which gets the terminal that it opens first
        )
        self.seen = ""
        self._answered = 0

    def answer(self, prompt: str, text: str) -> None:
        """``text`` ends with what ends a line, or with another key."""
        while not self.seen[self._answered :].endswith(prompt):
            assert select.select([self._user], [], [], _DEADLINE)[0], self.seen
            self.seen += os.read(self._user, 1000).decode()
        self._answered = len(self.seen)
        os.write(self._user, text.encode())

    def end(self) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        output, errors = self._process.communicate(timeout=_DEADLINE)
        return self._process.returncode, output.decode(), errors.decode()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        os.close(self._terminal)
        os.close(self._user)


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    running = Terminal(*arguments)
    try:
        yield running
    finally:
        running.close()


def test_a_keystore_without_passphrase_is_made(home: Path) -> None:
    done = run("new", "id", "--no-passphrase")
    path = home / ".dcp" / "id.keystore"
    assert (done.returncode, done.stderr) == (0, f"dcp-keystore: wrote {path}\n")
    keystore = files.load("id").keystore
    key = keystore.open("")
    assert key
    assert done.stdout == f"{key.address}\n"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert names_in(path.parent) == ["id.keystore"]


def test_a_keystore_with_a_passphrase_is_costly_to_guess(home: Path) -> None:
    address = succeed("new", "--passphrase-fd", "0", "--label", "L é", text=f"{PASSPHRASE}\n".encode()).strip()
    keystore = files.load().keystore
    assert (keystore.address, keystore.label) == (address, "L é")
    assert str(keystore.derivation) == "scrypt, n=262144, r=8, p=1"
    assert keystore.open("") is None
    key = keystore.open(PASSPHRASE)
    assert key
    assert key.address == address


@pytest.mark.parametrize("packages", ["dcp", "dcp5"])
def test_npm_reads_ours_and_we_read_those_of_npm(packages: str, home: Path) -> None:
    secret = home / "secret"
    secret.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    address = succeed("new", "--passphrase-file", secret, *_FAST).strip()
    code = """
        const { keystore } = await wallet.load({ name: "default" });
        const key = await keystore.unlock(given.passphrase);
        const theirs = await new wallet.Keystore(null, given.passphrase);
        await wallet.save(theirs, given.path);
        return [String(key.toAddress()), String(theirs.address)];
    """
    asked = {"passphrase": PASSPHRASE, "path": str(home / ".dcp" / "id.keystore")}
    ours, theirs = ask_npm_wallet(code, asked, packages=packages, environment={"HOME": str(home)})
    assert ours == address
    assert succeed("address", "id").strip() == theirs
    succeed("change-passphrase", "id", "--passphrase-file", secret, "--no-new-passphrase")
    key = files.load("id").keystore.open("")
    assert key
    assert key.address == theirs


def test_npm_reads_a_keystore_whose_passphrase_was_changed(home: Path) -> None:
    files.save(Keystore.create(KEY, PASSPHRASE, label="mine"), files.keystore_path("default"))
    lines = f"{PASSPHRASE}\nnew ü\r\n".encode()
    succeed("change-passphrase", "--passphrase-fd", "0", "--new-passphrase-fd", "0", *_FAST, text=lines)
    code = """
        const { keystore } = await wallet.load({ name: "default" });
        return [keystore.label, String((await keystore.unlock(given)).toAddress())];
    """
    assert ask_npm_wallet(code, "new ü", environment={"HOME": str(home)}) == ["mine", KEY.address]


def test_a_changed_passphrase_leaves_nothing_of_the_old_one(home: Path) -> None:
    path = home / "mine"
    path.write_text(json.dumps({**version_3(), "x-mnemonic": "under the old passphrase"}))
    path.chmod(0o644)
    old = home / "old"
    old.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    succeed("change-passphrase", path, "--passphrase-file", old, "--new-passphrase-fd", "0", *_FAST, text=b"x")
    keystore = files.load(str(path)).keystore
    assert keystore.open("x") == KEY
    assert keystore.open(PASSPHRASE) is None
    assert b"x-mnemonic" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_known_is_shown(home: Path) -> None:
    document = {**version_3(), "label": "a\x1b[31mlabel\ud800", "timestamp": "yesterday", "process": "a\nprogram"}
    path = home / ".dcp" / "default.keystore"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    path.chmod(0o644)
    facts = json.loads(succeed("show", "--json"))
    assert facts == {
        "file": str(path),
        "address": KEY.address,
        "label": "a\ufffd[31mlabel\ufffd",
        "format": "V3",
        "cipher": "aes-128-ctr",
        "derivation": "scrypt, n=256, r=4, p=2",
        "passphrase": True,
        "timestamp": "yesterday",
        "process": "a\ufffdprogram",
        "safe": False,
    }
    lines = dict(line.split(None, 1) for line in succeed("show").splitlines())
    assert lines == {**facts, "passphrase": "yes", "safe": "no"}


def test_what_is_not_known_is_said(home: Path) -> None:
    path = home / "sale"
    path.write_text(json.dumps(sale("")))
    path.chmod(0o600)
    lines = dict(line.split(None, 1) for line in succeed("show", path).splitlines())
    assert (lines["address"], lines["timestamp"], lines["passphrase"], lines["safe"]) == (
        "unknown",
        "unknown",
        "no",
        "yes",
    )
    assert succeed("address", path).strip() == SALE_KEY.address
    path.write_text(json.dumps(sale()))
    assert "there is no terminal" in fail(1, "address", path)
    assert succeed("address", path, "--passphrase-fd", "0", text=PASSPHRASE.encode()).strip() == SALE_KEY.address


def test_output_is_for_any_encoding(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    files.save(Keystore.create(KEY, "", label="é"), files.keystore_path("default"))
    assert "label       \\xe9\n" in succeed("show")


def test_a_keystore_is_never_replaced_by_a_new_one(home: Path) -> None:
    path = files.keystore_path("default")
    files.save(Keystore.create(KEY, ""), path)
    text = path.read_bytes()
    assert fail(1, "new") == f"{path}: {files.IN_THE_WAY}"
    assert path.read_bytes() == text


def test_a_keystore_that_is_not_there(home: Path) -> None:
    path = home / ".dcp" / "id.keystore"
    message = f"there is no keystore named 'id': looked for {path}; make one with dcp-keystore new id"
    for command in ("show", "address", "change-passphrase"):
        assert fail(1, command, "id") == message
    assert fail(1, "show", "./x").endswith("/x; make one with dcp-keystore new ./x")
    assert fail(1, "show", "my key").endswith("; make one with dcp-keystore new 'my key'")


def test_faults_are_named(home: Path) -> None:
    path = files.keystore_path("default")
    path.parent.mkdir()
    path.write_text("damaged")
    assert fail(1, "show").startswith(f"{path}: the keystore is no JSON: ")
    (home / "file").write_text("")
    assert fail(1, "new", home / "file" / "x", "--no-passphrase") == f"{home}/file/x: {home}/file is no folder"


def test_a_passphrase_that_is_wrong_or_cannot_be_had(home: Path) -> None:
    path = files.keystore_path("default")
    files.save(Keystore.create(KEY, PASSPHRASE), path)
    text = path.read_bytes()
    change = ("change-passphrase", "--no-new-passphrase", *_FAST)
    no_terminal = "there is no terminal to ask for the passphrase: give --passphrase-file or --passphrase-fd"
    assert fail(1, *change) == no_terminal
    assert fail(1, "new", "other") == no_terminal
    wrong = fail(1, *change, "--passphrase-fd", "0", text=b"wrong\n")
    assert wrong == "could not unlock keystore 'default': the passphrase is wrong"
    assert fail(1, *change, "--passphrase-fd", "0") == "descriptor 0: there is no passphrase in it"
    assert (
        fail(1, *change, "--passphrase-fd", "0", text=b"\xff\n") == "descriptor 0: the passphrase is no text in UTF-8"
    )
    assert fail(1, *change, "--passphrase-fd", "0", text=b"x" * 100_000).startswith(
        "descriptor 0: its first line is longer"
    )
    assert fail(1, *change, "--passphrase-fd", "0", text=b"\r\n").startswith("could not unlock")
    assert fail(1, *change, "--passphrase-fd", "77") == "descriptor 77: Bad file descriptor"
    assert fail(1, *change, "--passphrase-file", home) == f"{home}: Is a directory"
    assert fail(1, *change, "--passphrase-file", home / "none") == f"{home}/none: No such file or directory"
    new = fail(1, "new", "other", "--passphrase-fd", "0", text=b"\n")
    assert new == "the passphrase is empty: for a keystore that anybody can open, say --no-passphrase"
    lines = f"{PASSPHRASE}\n\n".encode()
    new = fail(1, "change-passphrase", "--passphrase-fd", "0", "--new-passphrase-fd", "0", text=lines)
    assert new == "the passphrase is empty: for a keystore that anybody can open, say --no-new-passphrase"
    assert path.read_bytes() == text
    assert names_in(path.parent) == ["default.keystore"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND; see dcp-keystore --help"),
        (["old"], "argument COMMAND: invalid choice: 'old'"),
        (["new", "--passphrase", "secret"], "unrecognized options: --passphrase; see dcp-keystore --help"),
        (["new", "a", "b"], "arguments too many: 1; see dcp-keystore --help"),
        (["new", ""], "argument NAME: a keystore has a name; see dcp-keystore new --help"),
        (["new", "--passphrase-fd", "x"], "argument --passphrase-fd: this is not the number of a descriptor"),
        (["new", "--no-passphrase", "--passphrase-fd", "0"], "argument --passphrase-fd: not allowed with argument"),
        (["new", "--scrypt-n", "1000"], "argument --scrypt-n: '1000' is not a power of two from 1024 to 524288"),
        (["new", "--scrypt-n", "512"], "argument --scrypt-n: '512' is not a power of two"),
        (["new", "--scrypt-n", "1048576"], "argument --scrypt-n: '1048576' is not a power of two"),
    ],
)
def test_wrong_command_lines(home: Path, arguments: list[str], message: str) -> None:
    assert fail(2, *arguments).startswith(message)
    assert names_in(home) == []


def test_a_passphrase_on_the_command_line_is_not_repeated(home: Path) -> None:
    for line in ("--passphrase=secret", "--passphrase secret", "id secret", "--passphrase-fd secret"):
        assert "secret" not in fail(2, "new", *line.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["change-passphrase", "--help"]])
def test_help_and_version(arguments: list[str]) -> None:
    assert succeed(*arguments).strip()


@pytest.mark.parametrize(
    ("closed", "status", "output", "errors"),
    [
        (">&-", 0, b"", b"dcp-keystore: wrote "),
        ("2>&-", 0, b"0x", b""),
        ("<&- >&- 2>&-", 0, b"", b""),
    ],
)
def test_streams_may_be_closed(home: Path, closed: str, status: int, output: bytes, errors: bytes) -> None:
    def ran(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        line = ["sh", "-c", f'exec "$0" "$@" {closed}', _COMMAND, *arguments]
        return subprocess.run(line, capture_output=True, timeout=_DEADLINE, check=False)

    done = ran("new", "--no-passphrase")
    assert (done.returncode, done.stdout[:2], done.stderr[:20]) == (status, output, errors), done.stderr
    assert files.load().keystore.open("")
    again = ran("new", "--no-passphrase")
    assert (again.returncode, again.stdout) == (1, b"")


def test_nobody_takes_the_output(home: Path) -> None:
    files.save(Keystore.create(KEY, ""), files.keystore_path("default"))
    reading, writing = os.pipe()
    os.close(reading)
    shown = [_COMMAND, "show"]
    done = subprocess.run(shown, stdout=writing, stderr=subprocess.PIPE, timeout=_DEADLINE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(shown, stdout=full, stderr=subprocess.PIPE, timeout=_DEADLINE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"dcp-keystore: the output cannot be written: No space left on device\n"


# --- On a terminal ---


def test_a_new_passphrase_is_typed_twice(home: Path) -> None:
    with terminal("new", *_FAST) as user:
        user.answer(_ASK_NEW, "secret\n")
        user.answer(_ASK_AGAIN, "secrets\n")
        user.answer(_ASK_NEW, f"{PASSPHRASE}\n")
        user.answer(_ASK_AGAIN, f"{PASSPHRASE}\n")
        status, output, _ = user.end()
    assert status == 0
    assert Address(output.strip()) == files.load_address()
    assert files.load().keystore.open(PASSPHRASE)
    assert "secret" not in user.seen


def test_a_passphrase_is_changed_on_the_terminal(home: Path) -> None:
    files.save(Keystore.create(KEY, PASSPHRASE), files.keystore_path("default"))
    with terminal("change-passphrase", *_FAST) as user:
        user.answer(_ASK_OLD, "wrong\n")
        user.answer("Incorrect passphrase, enter your passphrase again (default): ", f"{PASSPHRASE}\n")
        user.answer(_ASK_NEW, "new\n")
        user.answer(_ASK_AGAIN, "new\n")
        assert user.end()[0] == 0
    assert files.load().keystore.open("new") == KEY


def test_five_wrong_passphrases_are_enough(home: Path) -> None:
    files.save(Keystore.create(KEY, PASSPHRASE), files.keystore_path("default"))
    with terminal("change-passphrase", *_FAST) as user:
        user.answer(_ASK_OLD, "wrong\n")
        for _ in range(4):
            user.answer("again (default): ", "wrong\n")
        status, _, errors = user.end()
    assert (status, errors) == (1, "dcp-keystore: could not unlock keystore 'default': 5 wrong passphrases\n")


@pytest.mark.parametrize(
    ("key", "status", "message"), [("\x04", 1, "dcp-keystore: no passphrase was given\n"), ("\x03", 130, "")]
)
def test_a_prompt_is_left(home: Path, key: str, status: int, message: str) -> None:
    """With control-D, and with control-C."""
    with terminal("new", *_FAST) as user:
        user.answer(_ASK_NEW, key)
        assert user.end() == (status, "", message)
    assert not (home / ".dcp").exists()
