"""TLS of a scheduler's own: npm's clients, ours and workers, with an authority that this machine does not know."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from clients import client
from cryptography.hazmat.primitives import serialization
from schedulers import COMMAND, scheduler

import dcp_evaluator as dcp
from certificates import Authority
from dcp_scheduler.errors import SchedulerError
from dcp_scheduler.server.server import Server
from dcp_scheduler.server.tls import Certificate
from dcp_worker.configuration.remote import fetch
from dcp_worker.errors import ConfigurationError
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

DOUBLE = "(x) => { progress(); return 2 * x; }"


@pytest.mark.parametrize("version", [pytest.param("4.4.29", marks=pytest.mark.long_network), "5.6.1"])
def test_all_programs_come_by_tls(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    monkeypatch.setenv("DCP_RESOURCE_DIR", str(tmp_path / "wallet"))
    group, options = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}[version]
    program = own_program(group)
    program = replace(program, environment={**program.environment, "SSL_CERT_FILE": str(authority.path)})

    async def main() -> None:
        tls = map(str, authority.certify(tmp_path))
        async with (
            scheduler(tmp_path / "scheduler", "--tls", *tls) as network,
            running(program, tmp_path, network, options),  # type: ignore[arg-type]
            client(
                version, network.location, tmp_path / "home", range=[1, 5], work=DOUBLE, authority=authority.path
            ) as ended,
        ):
            job = dcp.compute_for(range(3), DOUBLE)
            assert await asyncio.to_thread(lambda: list(job.exec(network.location))) == [0, 2, 4]
            assert await ended.end() == {"event": "done", "results": [2, 4, 6, 8, 10]}

    run(main())


def test_whoever_does_not_know_the_authority_hears_where_to_name_it(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    async def main() -> None:
        async with Server(tmp_path / "scheduler", tls=Certificate(*Authority(tmp_path).certify(tmp_path))) as server:
            with pytest.raises(dcp.NetworkError, match=r"certificate of .* is refused: .*SSL_CERT_FILE"):
                await asyncio.to_thread(dcp.compute_for(range(3), DOUBLE).exec, server.location)
            with pytest.raises(ConfigurationError, match=r"certificate of .* is refused: .*SSL_CERT_FILE"):
                await fetch(server.location)

    run(main())


async def shown(port: int, authority: Authority) -> tuple[str, str]:
    """Version of TLS, and serial number of the certificate, to whoever connects now."""
    async with connected(port, authority) as writer:
        sealed = writer.get_extra_info("ssl_object")
        return sealed.version(), sealed.getpeercert()["serialNumber"]


@asynccontextmanager
async def connected(port: int, authority: Authority) -> AsyncIterator[asyncio.StreamWriter]:
    context = ssl.create_default_context(cafile=authority.path)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        yield writer
    finally:
        writer.close()
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.wait_closed()


async def until_another(now: str, look: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while (await look())[1] == now:  # type: ignore[misc]
            await asyncio.sleep(0.02)


def test_a_renewed_certificate_is_read_at_a_signal(run, tmp_path: Path) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        async with scheduler(tmp_path / "scheduler", "--tls", *map(str, authority.certify(tmp_path))) as network:
            version, first = await shown(network.port, authority)
            assert version == "TLSv1.3"
            authority.certify(tmp_path)
            assert network.process
            network.process.send_signal(signal.SIGHUP)
            await until_another(first, lambda: shown(network.port, authority))

    run(main())


def test_a_renewed_certificate_is_read_when_it_changes(run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Who is connected stays so; what cannot be used is told of, and what was there before stays."""

    async def main() -> None:
        authority = Authority(tmp_path)
        certificate, key = authority.certify(tmp_path)
        held = Certificate(certificate, key)
        async with Server(tmp_path / "scheduler", tls=held) as server:
            port = int(server.location.rstrip("/").rpartition(":")[2])
            _, first = await shown(port, authority)
            watching = asyncio.create_task(held.watch(0.01))
            async with connected(port, authority) as writer:
                certificate.write_bytes(b"")
                async with asyncio.timeout(60):
                    while not caplog.records:
                        await asyncio.sleep(0.01)
                assert "the certificate from before stays: " in caplog.text
                assert await shown(port, authority) == ("TLSv1.3", first)
                authority.certify(tmp_path)
                await until_another(first, lambda: shown(port, authority))
                assert not writer.transport.is_closing()
            watching.cancel()
            await asyncio.wait([watching])

    run(main())


def test_the_location_has_the_name_in_the_certificate(run, tmp_path: Path) -> None:
    async def main() -> None:
        tls = Certificate(*Authority(tmp_path).certify(tmp_path, "dcp.lab.example"))
        async with Server(tmp_path / "scheduler", host="0.0.0.0", tls=tls) as server:
            assert server.location.startswith("https://dcp.lab.example:")

    run(main())


def _missing(_: Authority, certificate: Path, key: Path) -> None:
    key.unlink()


def _unreadable(_: Authority, certificate: Path, key: Path) -> None:
    certificate.unlink()
    certificate.mkdir()


def _swapped(_: Authority, certificate: Path, key: Path) -> None:
    certificate.write_bytes(key.read_bytes())


def _no_key(_: Authority, certificate: Path, key: Path) -> None:
    key.write_bytes(certificate.read_bytes())


def _of_another(authority: Authority, certificate: Path, key: Path) -> None:
    before = certificate.read_bytes()
    authority.certify(certificate.parent)
    certificate.write_bytes(before)


def _with_a_passphrase(_: Authority, certificate: Path, key: Path) -> None:
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_missing, r"server\.key cannot be read: No such file"),
        (_unreadable, r"server\.pem cannot be read: Is a directory"),
        (_swapped, r"server\.pem has no certificate in PEM in it"),
        (_no_key, r"server\.key has no private key in PEM in it"),
        (_of_another, r"the key in \S+server\.key is not that of the certificate in \S+server\.pem"),
        (_with_a_passphrase, r"the key in \S+server\.key has a passphrase"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, spoil: Callable[..., None], told: str) -> None:
    authority = Authority(tmp_path)
    files = authority.certify(tmp_path)
    spoil(authority, *files)
    with pytest.raises(SchedulerError, match=told):
        Certificate(*files)


def test_a_command_says_why_it_cannot_start(run, tmp_path: Path) -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "--state", tmp_path, "--tls", tmp_path / "none.pem", tmp_path / "none.key",
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, told = await process.communicate()
        assert (process.returncode, told.count(b"\n")) == (1, 1)
        assert b"none.pem cannot be read: No such file or directory" in told

    run(main())


def test_a_certificate_that_is_old_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Certificate(*Authority(tmp_path).certify(tmp_path, days=-1))
    assert "is valid no more since" in caplog.text
