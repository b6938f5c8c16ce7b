"""System logs by UDP, TCP, TLS and a socket of this machine."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from log_lines import KEY

from dcp_worker.configuration.log_settings import SyslogSettings
from dcp_worker.errors import ConfigurationError
from dcp_worker.logs.lines import Line
from dcp_worker.logs.syslog import SyslogOutput

pytestmark = pytest.mark.any_engine

PID = os.getpid()
HOST = re.escape(socket.gethostname())
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
OLD_STAMP = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
SUBJECTS = re.escape(f'[dcp@32473 job="{KEY.job}" slice="3" sandbox="1"]')


def sent(target: SyslogSettings) -> None:
    output = SyslogOutput(target, "dcp-worker")
    output.say(Line("info", "one\ntwo\x1b"))
    output.say(Line("error", "three", KEY.job, 3, 1))
    output.close()


def assert_rfc5424(messages: list[str], facility: int) -> None:
    told = (("info", "one", "-"), ("info", "two ", "-"), ("error", "three", SUBJECTS))
    for message, (level, text, subjects) in zip(messages, told, strict=True):
        priority = 8 * facility + {"info": 5, "error": 3}[level]
        assert re.fullmatch(rf"<{priority}>1 {STAMP} {HOST} dcp-worker {PID} - {subjects} {text}", message), message


@contextlib.contextmanager
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        yield server


def test_udp() -> None:
    with udp() as server:
        sent(SyslogSettings(address="127.0.0.1", port=server.getsockname()[1]))
        assert_rfc5424([server.recv(10_000).decode() for _ in range(3)], 23)


def test_the_older_form() -> None:
    with udp() as server:
        sent(SyslogSettings(address="127.0.0.1", port=server.getsockname()[1], form="rfc3164"))
        messages = [server.recv(10_000).decode() for _ in range(3)]
    for message, priority, text in zip(messages, (189, 189, 187), ("one", "two ", "three"), strict=True):
        assert re.fullmatch(rf"<{priority}>{OLD_STAMP} {HOST} dcp-worker\[{PID}\]: {text}", message)


def test_a_job_cannot_leave_its_field() -> None:
    with udp() as server:
        output = SyslogOutput(SyslogSettings(address="127.0.0.1", port=server.getsockname()[1]), "dcp-worker")
        output.say(Line("info", "x", '"]\\ evil\n<0>1'))
        output.close()
        message = server.recv(10_000).decode()
    assert message.endswith('[dcp@32473 job="\\"\\]\\\\ evil <0>1"] x')


def test_a_message_ends_with_a_whole_character() -> None:
    with udp() as server:
        output = SyslogOutput(SyslogSettings(address="127.0.0.1", port=server.getsockname()[1]), "dcp-worker")
        for size in range(2000, 2004):
            output.say(Line("info", "x" * size + "ü€😀" * 20))
        output.close()
        messages = [server.recv(10_000) for _ in range(4)]
    assert all(2044 < len(message) <= 2048 and message.decode() for message in messages)


def test_tcp_has_a_line_for_each() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        sent(SyslogSettings(address="127.0.0.1", port=server.getsockname()[1], transport="tcp", facility="daemon"))
        connection, _ = server.accept()
        with connection, connection.makefile("r") as lines:
            assert_rfc5424([line.removesuffix("\n") for line in lines], 3)


def test_a_log_that_was_restarted_is_connected_to_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        target = SyslogSettings(address="127.0.0.1", port=server.getsockname()[1], transport="tcp")
        output = SyslogOutput(target, "dcp-worker")
        for text in ("one", "two", "three"):
            output.say(Line("info", text))
            connection, _ = server.accept()
            with connection, connection.makefile("r") as lines:
                assert lines.readline().endswith(f"{text}\n")
        output.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Of localhost, by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return public, private


@contextlib.contextmanager
def tls(folder: Path) -> Iterator[tuple[Path, int, Callable[[], ssl.SSLSocket]]]:
    """A server's certificate, its port, and what accepts a connection."""
    public, private = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)

        def accept() -> ssl.SSLSocket:
            connection, _ = server.accept()
            connection.settimeout(60)
            return context.wrap_socket(connection, server_side=True)

        yield public, server.getsockname()[1], accept


def test_tls_counts_octets(tmp_path: Path) -> None:
    with tls(tmp_path) as (public, port, accept):
        target = SyslogSettings(address="localhost", port=port, transport="tls", ca=str(public))
        output = SyslogOutput(target, "dcp-worker")
        output.say(Line("info", "one\ntwo\x1b"))
        output.say(Line("error", "three", KEY.job, 3, 1))
        with accept() as connection:
            output.close()
            data = b""
            while more := connection.recv(10_000):
                data += more
    messages = []
    while data:
        size, _, data = data.partition(b" ")
        messages.append(data[: int(size)].decode())
        data = data[int(size) :]
    assert_rfc5424(messages, 23)


def test_tls_trusts_nobody_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with tls(tmp_path) as (_, port, accept):
        output = SyslogOutput(SyslogSettings(address="localhost", port=port, transport="tls"), "dcp-worker")
        output.say(Line("info", "for the right one only"))
        with pytest.raises(OSError, match=r"(?i)certificate|alert|unknown|EOF"):
            accept().recv(10_000)
        output.close()
    told = capfd.readouterr().err
    assert "(tls) cannot be written, lines are lost: " in told
    assert "certificate" in told.lower()


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name, reason in (("absent.pem", "No such file or directory"), ("empty.pem", "it has no certificates")):
        with pytest.raises(ConfigurationError, match=rf"node\.log\.syslog\.ca: .*{name} cannot be read: {reason}"):
            SyslogOutput(SyslogSettings(transport="tls", ca=str(tmp_path / name)), "x")


def test_the_log_of_this_machine(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_UNIX, kind) as server:
            server.bind(path)
            if kind is socket.SOCK_STREAM:
                server.listen()
            server.settimeout(60)
            sent(SyslogSettings(address=path, transport="unix", facility="user"))
            first = server if kind is socket.SOCK_DGRAM else server.accept()[0]
            assert re.fullmatch(rf"<13>{OLD_STAMP} dcp-worker\[{PID}\]: one.*", first.recv(1000).decode(), re.DOTALL)
            first.close()
        Path(path).unlink()


def test_the_log_of_this_machine_in_the_newer_form(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(60)
        sent(SyslogSettings(address=path, transport="unix", facility="user", form="rfc5424"))
        assert_rfc5424([server.recv(1000).decode() for _ in range(3)], 1)


def test_one_that_is_not_there_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    sent(SyslogSettings(address="127.0.0.1", port=port, transport="tcp"))
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"dcp-worker: the system log at 127.0.0.1:{port} (tcp) cannot be written, lines are lost: ")


def test_a_facility_that_there_is_not() -> None:
    with pytest.raises(ConfigurationError, match="there is no facility 'paper' of a system log; there are kern, user"):
        SyslogOutput(SyslogSettings(facility="paper"), "x")
