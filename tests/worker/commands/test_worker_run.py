"""What ``dcp-worker`` sees to before it works: who it is, who is paid, one worker at a time."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from worker_command import COMMAND, DEADLINE, Home

from dcp_protocol.keys.address import Address
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet.keystore import Keystore
from npm_packages import npm_packages

pytestmark = pytest.mark.any_engine

KEY = "0x" + "3" * 64
PAID = "0x" + "2" * 40
NOWHERE = ("--dcp-scheduler", "http://localhost:1/")


@pytest.fixture
def ready(home: Home) -> Home:
    """All that a worker needs but keystores."""
    home.variables["NODE_PATH"] = str(npm_packages("dcp"))
    return home


@contextmanager
def working(home: Home, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A worker whose scheduler is not there, so that it waits for it; ``stderr`` is its output too."""
    with subprocess.Popen(
        [COMMAND, *NOWHERE, *options], env=home.variables, cwd=home.root, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def wait_for(path: Path) -> str:
    """The text of a file that comes to be."""
    until = time.monotonic() + DEADLINE
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < until, path
        time.sleep(0.02)
    return path.read_text().strip()


def stop(process: subprocess.Popen[str]) -> str:
    """What it printed."""
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=DEADLINE)
    return out


@pytest.mark.parametrize("option", ["-f", "--pid-file"])
def test_a_pid_file_without_a_name_has_the_default(ready: Home, option: str) -> None:
    ready.variables.pop("DCP_CONFIG_LOCATION")
    path = ready.root / "dcp-worker.pid"
    with working(ready, "--paymentAddress", PAID, "--identityKey", KEY, option) as process:
        assert wait_for(path) == str(process.pid)
        told = ready.fail("--paymentAddress", PAID, "--identityKey", KEY, option, *NOWHERE)
        assert told.startswith(f"process {process.pid} is running and holds the pid file {path}")
        stop(process)
    assert not path.exists()


def test_a_pid_file_by_name_and_by_configuration(ready: Home) -> None:
    ready.variables.pop("DCP_CONFIG_LOCATION")
    ready.write("{ worker: { pidfile: 'mine.pid' } }")
    options = ["--paymentAddress", PAID, "--identityKey", KEY]
    for option, name in (("--pidFile", "mine.pid"), ("--pidFile=other.pid", "other.pid")):
        with working(ready, *options, option) as process:
            assert wait_for(ready.root / name) == str(process.pid)
            stop(process)


def test_who_is_paid(ready: Home) -> None:
    told = ready.fail(*NOWHERE)
    assert told.startswith("nobody would be paid: there is no keystore named 'default'")
    assert "run dcp-worker setup, or say --paymentAddress" in told
    assert not (ready.root / ".dcp").exists()  # no identity was made


def test_the_dcp_community_is_paid_where_that_is_said(ready: Home) -> None:
    ready.variables.pop("DCP_CONFIG_LOCATION")
    options = ["--defaultPaymentAddressToDCP", "--identityKey", KEY, "-f", "a.pid"]
    with working(ready, *options) as process:
        wait_for(ready.root / "a.pid")
        assert "warning: there is no account to be paid, so that the DCP community is paid" in stop(process)


def test_an_identity_is_made_where_there_is_none(ready: Home) -> None:
    ready.variables.pop("DCP_CONFIG_LOCATION")
    with working(ready, "--paymentAddress", PAID, "-f", "a.pid") as process:
        wait_for(ready.root / "a.pid")
        out = stop(process)
    keystore = Keystore.parse((ready.root / ".dcp/id.keystore").read_bytes())
    assert f"made an identity for this worker, {keystore.address}: {ready.root}/.dcp/id.keystore" in out


def test_identities_that_cannot_be(ready: Home) -> None:
    paid = ("--paymentAddress", PAID)
    locked = Keystore.create(PrivateKey.parse(KEY), "secret").to_json().decode()
    path = ready.write(locked, "locked.keystore")
    for options, message in (
        (["--identityKey", "0x12"], "the identity that is given is no private key"),
        (["--identityKeystore", "{}"], "keystore"),
        (["--dcp-identity", "nonsense"], "the identity that is given is no private key"),
        (["-i", "absent"], "there is no keystore named 'absent'"),
        (["-I", path], "there is no terminal to ask for the passphrase: give --identity-passphrase-file"),
        (["--identityKeystore", locked, "--identity-passphrase-file", ready.write("wrong", "pass")], "passphrase"),
    ):
        assert message in ready.fail(*paid, *NOWHERE, *options), options


def test_a_locked_identity_is_opened_by_a_file(ready: Home) -> None:
    ready.variables.pop("DCP_CONFIG_LOCATION")
    path = ready.write(Keystore.create(PrivateKey.parse(KEY), "secret").to_json().decode(), "locked.keystore")
    passphrase = ready.write("secret\n", "passphrase")
    options = ["-I", str(path), "--identity-passphrase-file", str(passphrase), "--paymentAddress", PAID, "-f", "a.pid"]
    with working(ready, *options) as process:
        wait_for(ready.root / "a.pid")
        stop(process)


def test_the_account_of_a_keystore_is_paid_without_its_passphrase(ready: Home) -> None:
    key = PrivateKey.generate()
    ready.write(Keystore.create(key, "secret").to_json().decode(), ".dcp/mine.keystore")
    ready.variables["DCP_CONFIG_LOCATION"] = "http://localhost:1/config"
    with working(ready, "--default-bank-account", "mine", "--identityKey", KEY, "-f", "a.pid") as process:
        wait_for(ready.root / "a.pid")
        stop(process)
    assert isinstance(key.address, Address)


def test_without_start_up_files_setup_is_named(home: Home) -> None:
    told = home.run("--paymentAddress", PAID, "--identityKey", KEY, *NOWHERE)
    assert told.returncode == 1
    assert "dcp-worker setup" in told.stderr
    assert "Traceback" not in told.stderr


def test_options_that_have_no_effect_are_told(home: Home) -> None:
    done = home.run("--paymentAddress", PAID, "--identityKey", KEY, "--joinKeystore", "x", "--dcpConfig", "y", *NOWHERE)
    assert "--joinKeystore has no effect" in done.stderr
    assert "--dcpConfig has no effect" in done.stderr


def test_outputs_that_there_are_not(ready: Home) -> None:
    paid = ("--paymentAddress", PAID, "--identityKey", KEY, *NOWHERE)
    for options, message in (
        (["-o", "dashboard"], "a dashboard needs a terminal: -o console shows the same as lines"),
        (["-o", "event-log"], "say -o syslog or -o logfile"),
        (["-o", "logfile", "--logfile", "no/folder"], "no/folder cannot be opened: No such file or directory"),
        (["-o", "syslog", "--syslogFacility", "paper"], "there is no facility 'paper' of a system log"),
    ):
        assert message in ready.fail(*paid, *options)


def test_a_log_file(ready: Home) -> None:
    ready.variables.pop("DCP_CONFIG_LOCATION")
    options = ["--paymentAddress", PAID, "--identityKey", KEY, "-o", "logfile", "--logfile", "worker.log"]
    with working(ready, *options) as process:
        assert "Z warn  ! http://localhost:1/etc/dcp-config.kvin: " in wait_for(ready.root / "worker.log")
        assert stop(process) == ""
