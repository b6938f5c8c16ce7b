"""Contents in a bucket of a server of S3: the same as in a folder; and a server that is away is waited for."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from pathlib import Path

import pytest
from job_client import JobClient
from sqlalchemy import select
from strangers import deployed, peer, taken, worker

from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.uris import decode_data_uri
from dcp_scheduler.administration.audit import findings
from dcp_scheduler.administration.backup import back_up
from dcp_scheduler.errors import SchedulerError
from dcp_scheduler.server.server import Server
from dcp_scheduler.store.bucket import BucketContents
from dcp_scheduler.store.contents import Contents, ContentsAwayError
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.folder import FolderContents
from dcp_scheduler.store.transaction import Transaction
from ports import free_port
from postgresql import PostgreSQL
from scheduler_stand_in.small_worker import SmallWorker
from seaweed import BUCKET, Seaweed

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]


@pytest.fixture
def bucket(seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of one with nothing below it."""
    for name, value in seaweed.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{secrets.token_hex(8)}/of this test"


@pytest.fixture(params=["folder", "bucket"])
def contents(request: pytest.FixtureRequest, tmp_path: Path) -> Contents:
    if request.param == "folder":
        return FolderContents(tmp_path / "contents")
    return BucketContents(request.getfixturevalue("bucket"))


def test_contents_are_by_name_wherever_they_are(contents: Contents) -> None:
    begun = time.time()
    data = secrets.token_bytes(100_000)
    name = contents.put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert contents.put(data) == name
    assert contents.get(name) == data
    assert contents.pieces(name, [(5, 3), (0, 0), (99_990, 10)]) == [data[5:8], b"", data[-10:]]
    assert contents.pieces(name, []) == []
    assert contents.size(name) == len(data)
    there = dict(contents.names())
    assert begun - 60 < there[name] < time.time() + 60
    contents.delete([name, "0" * 64])
    assert contents.size(name) is None
    assert name not in dict(contents.names())
    for missing in (name, "../" + name, ""):
        with pytest.raises(FileNotFoundError):
            contents.get(missing)


def test_large_contents(bucket: str) -> None:
    data = secrets.token_bytes(12 << 20)  # in several parts
    contents = BucketContents(bucket)
    name = contents.put(data)
    assert contents.size(name) == len(data)
    assert contents.get(name) == data


def _none(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    """All is right but the bucket."""


def _other_key(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")


def _nobody(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")


def _no_url(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://[none/")


def _no_file(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))


def _no_profile(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    _no_file(monkeypatch, seaweed, folder)
    (folder / "none").write_text("[other]\naws_access_key_id = x\naws_secret_access_key = another secret\n")


def _no_ini(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    _no_file(monkeypatch, seaweed, folder)
    (folder / "none").write_text("another secret\n")


def _no_authority(monkeypatch: pytest.MonkeyPatch, seaweed: Seaweed, folder: Path) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(folder / "none.pem"))


@pytest.mark.parametrize(
    ("spoil", "url", "told"),
    [
        (_none, "s3://other-bucket/x", r"the bucket s3://other-bucket/x cannot be used: .*"),
        (_none, "http://somewhere/x", r"named as s3://BUCKET"),
        (_none, "s3:///x", r"named as s3://BUCKET"),
        (_none, "s3://a b/x", r"named as s3://BUCKET"),
        (_other_key, f"s3://{BUCKET}/x", r"the bucket s3://contents/x cannot be used: .*"),
        (_nobody, f"s3://{BUCKET}/x", r"the bucket s3://contents/x cannot be used: .*"),
        (_no_url, f"s3://{BUCKET}/x", r"AWS_ENDPOINT_URL is no URL"),
        (_no_file, f"s3://{BUCKET}/x", r"none cannot be read: No such file"),
        (_no_profile, f"s3://{BUCKET}/x", r"none has no default"),
        (_no_ini, f"s3://{BUCKET}/x", r"none is no file of credentials"),
        (_no_authority, f"s3://{BUCKET}/x", r"none\.pem, which AWS_CA_BUNDLE names, cannot be read: No such file"),
    ],
)
@pytest.mark.usefixtures("bucket")
def test_what_cannot_be_used_is_told_in_a_line(
    spoil, url: str, told: str, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spoil(monkeypatch, seaweed, tmp_path)
    with pytest.raises(SchedulerError, match=told) as error:
        BucketContents(url)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_keys_may_stand_in_a_file(
    bucket: str, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = seaweed.environment
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    (tmp_path / "credentials").write_text(
        f"[lab]\naws_access_key_id = {given['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {given['AWS_SECRET_ACCESS_KEY']}\n"
    )
    contents = BucketContents(bucket)
    assert contents.get(contents.put(b"x")) == b"x"


def test_two_processes_share_a_bucket(run, tmp_path: Path, bucket: str, postgresql: PostgreSQL) -> None:
    """A client is connected to one, the worker to the other; nothing is left in the folder of the state."""
    count = 20

    async def main() -> None:
        place = {"database": postgresql.database(), "contents": bucket}
        async with Server(tmp_path, **place) as here, Server(tmp_path, **place) as there, worker(there) as hands:
            client = JobClient(f"{here.location}dcp/", PrivateKey.generate())
            job = asyncio.create_task(client.do("(x) => x", count, 0))
            await work(hands, count)
            heard = await job
            await client.close()
            assert {number: decoded(uris) for number, uris in heard.results.items()} == {
                number: 2 * number for number in range(1, count + 1)
            }
            assert await here.database.read(lambda each: list(findings(each, here.database.contents))) == []
        assert not (tmp_path / "contents").exists()

    run(main())


async def work(hands: SmallWorker, count: int) -> int:
    """Until so many slices are done; how many that were."""
    done = 0
    while done < count:
        slices, authorization = await taken(hands)
        await asyncio.gather(*(hands.submit(job, number, authorization, 2 * number) for job, number in slices))
        done += len(slices)
    return done


def decoded(uris: set[str]) -> object:
    """The one value of a slice."""
    (uri,) = uris
    return decode_data_uri(uri).value


def test_what_is_not_committed_leaves_no_more_than_an_object(run, tmp_path: Path, bucket: str) -> None:
    def put(transaction: Transaction) -> None:
        transaction.contents.put(b"nobody names this")
        raise RuntimeError("the process ends here")

    async def main() -> None:
        database = Database(f"sqlite:///{tmp_path / 'a.db'}", bucket)
        try:
            with pytest.raises(RuntimeError, match="ends here"):
                await database.write(put)
            name = hashlib.sha256(b"nobody names this").hexdigest()
            assert name in dict(database.contents.names())
            assert await database.read(lambda each: list(findings(each, database.contents))) == []
        finally:
            database.close()

    run(main())


def test_a_server_that_is_away_is_waited_for(
    run, tmp_path: Path, bucket: str, seaweed: Seaweed, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is refused, and others who need no contents go on."""

    async def main() -> None:
        database = Database(f"sqlite:///{tmp_path / 'a.db'}", bucket)
        try:
            before = database.contents.put(b"before")
            seaweed.stop()
            try:
                writing = asyncio.create_task(database.write(lambda each: each.contents.put(b"after")))
                reading = asyncio.create_task(asyncio.to_thread(database.contents.get, before))
                async with asyncio.timeout(60):
                    while caplog.text.count("cannot be used now") < 2:
                        await asyncio.sleep(0.02)
                assert await database.read(lambda each: each.execute(select(1)).scalar()) == 1
                assert not writing.done()
                assert not reading.done()
            finally:
                seaweed.start()  # not in a thread, with which it would end
            assert await reading == b"before"
            assert await asyncio.to_thread(database.contents.get, await writing) == b"after"
            assert f"{bucket} can be used again" in caplog.text
        finally:
            database.close()

    run(main())


def test_whoever_waits_for_a_server_does_not_keep_a_scheduler_from_its_end(
    run, tmp_path: Path, bucket: str, seaweed: Seaweed
) -> None:
    async def main() -> None:
        database = Database(f"sqlite:///{tmp_path / 'a.db'}", bucket)
        seaweed.stop()
        try:
            writing = asyncio.create_task(database.write(lambda each: each.contents.put(b"x")))
            reading = asyncio.create_task(asyncio.to_thread(database.contents.get, "0" * 64))
            await asyncio.sleep(0)
            await asyncio.to_thread(database.close)
            for each in (writing, reading):
                with pytest.raises(ContentsAwayError):
                    await each
        finally:
            seaweed.start()

    run(main())


def test_a_backup_leaves_contents_where_they_are(run, tmp_path: Path, bucket: str) -> None:
    async def main() -> None:
        async with Server(tmp_path / "state", contents=bucket) as server, peer(server) as client:
            await deployed(client)
            with pytest.raises(SchedulerError, match=r"with --contents"):
                await asyncio.to_thread(back_up, tmp_path / "state", tmp_path / "backup")
            await asyncio.to_thread(back_up, tmp_path / "state", tmp_path / "backup", bucket)
        assert sorted(path.name for path in (tmp_path / "backup").iterdir()) == ["scheduler.db", "scheduler.key"]
        async with Server(tmp_path / "backup", contents=bucket) as server, worker(server) as hands:
            assert await work(hands, 3) == 3
            assert await server.database.read(lambda each: list(findings(each, server.database.contents))) == []

    run(main())
