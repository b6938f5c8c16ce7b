"""The control socket: who may use it, what it tells those who subscribe, and what of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import grp
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dcp_worker.control import methods
from dcp_worker.control.client import Client
from dcp_worker.control.log import LogLine, LogLines, RecentLog
from dcp_worker.control.server import MOST_CLIENTS, ControlServer
from dcp_worker.control.sockets import is_allowed
from dcp_worker.control.status import WorkerStatus
from dcp_worker.errors import ControlError, NoWorkerError

pytestmark = pytest.mark.any_engine

NOBODY = 65534
STATUS = WorkerStatus(time=1.0, version="1", pid=1, worker="w", started=1.0, state="idle")


class Worker:
    """What a server needs of one."""

    def __init__(self) -> None:
        self.status = STATUS
        self.log = RecentLog()
        self.heard: list[methods.Method] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, method: methods.Method) -> object:
        await self.may_answer.wait()
        self.heard.append(method)
        if isinstance(method, methods.Resume):
            raise ControlError("not now")
        if isinstance(method, methods.Stop):
            raise RuntimeError("a fault")
        return [1]

    @contextlib.asynccontextmanager
    async def listening(self, path: Path, group: str | None = None) -> AsyncIterator[Path]:
        server = ControlServer(self.answer, lambda: self.status, self.log)
        async with server.listening(path, group):
            assert server.path
            yield server.path
        assert server.path is None


def served(path: Path, test: Callable[[Worker, Path], Awaitable[None]]) -> None:
    async def run() -> None:
        worker = Worker()
        async with worker.listening(path) as place:
            await test(worker, place)

    asyncio.run(run())
    assert not path.exists()


def test_calls_are_answered_or_refused(tmp_path: Path) -> None:
    async def test(worker: Worker, path: Path) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["message"]))
        async with Client.connect(path) as client:
            assert await client.status() == STATUS
            assert await client.call(methods.Pause(resource="cpu"), list) == [1]
            with pytest.raises(ControlError, match="not now"):
                await client.ask(methods.Resume())
            with pytest.raises(ControlError, match="its log says more"):
                await client.ask(methods.Stop())
        assert worker.heard == [methods.Pause(resource="cpu"), methods.Resume(), methods.Stop()]

    faults: list[str] = []
    served(tmp_path / "control", test)
    assert faults == ["a call at the control socket failed"]


def test_a_status_is_told_when_it_has_changed(tmp_path: Path) -> None:
    async def test(worker: Worker, path: Path) -> None:
        async with Client.connect(path) as client:
            events = client.subscribe(methods.Subscribe(interval=0.1))
            assert await anext(events) == STATUS
            worker.status = replace(STATUS, time=2.0)
            await asyncio.sleep(0.3)
            worker.status = replace(STATUS, time=3.0, state="working")
            assert await anext(events) == worker.status

    served(tmp_path / "control", test)


def test_lines_of_the_log_are_told_after_the_last_ones(tmp_path: Path) -> None:
    def line(text: str) -> LogLine:
        return LogLine(time=1.0, level="info", text=text, job="j", slice=1)

    async def test(worker: Worker, path: Path) -> None:
        worker.log.add(line("before"))
        async with Client.connect(path) as client:
            events = client.subscribe(methods.Subscribe(interval=None, log="info", backlog=5))
            assert await anext(events) == LogLines(lines=(line("before"),))
            worker.log.add(line("after"))
            worker.log.add(LogLine(time=1.0, level="debug", text="detail"))
            worker.log.add(line("after that"))
            assert await anext(events) == LogLines(lines=(line("after"), line("after that")))

    served(tmp_path / "control", test)


def test_a_client_hears_that_the_worker_has_ended(tmp_path: Path) -> None:
    async def test() -> None:
        worker = Worker()
        async with contextlib.AsyncExitStack() as clients:
            async with worker.listening(tmp_path / "control") as path:
                client = await clients.enter_async_context(Client.connect(path))
                events = client.subscribe(methods.Subscribe(log="info"))
                assert await anext(events) == STATUS
                worker.log.add(last := LogLine(time=1.0, level="info", text="it ends"))
                worker.may_answer.clear()
                asked = asyncio.create_task(client.ask(methods.Finish()))
                await client.status()
            with pytest.raises(ControlError, match="has ended"):
                await asked
            assert [event async for event in events] == [LogLines(lines=(last,))]
            await client.wait_ended()
            with pytest.raises(ControlError, match="has ended"):
                await client.status()
            with pytest.raises(NoWorkerError, match="nothing listens at"):
                await _connected(path)

    asyncio.run(test())


async def _connected(path: Path) -> None:
    async with Client.connect(path):
        pass


def test_who_has_said_all_still_gets_answers(tmp_path: Path) -> None:
    async def test(worker: Worker, path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"jsonrpc":"2.0","id":"a","method":"logs"}\n')
        writer.write_eof()
        assert await reader.read() == b'{"jsonrpc":"2.0","id":"a","result":[1]}\n'
        writer.close()

    served(tmp_path / "control", test)


def test_a_client_that_reads_nothing_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def test(worker: Worker, path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(path))
            silent.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    silent.send(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n' * 100)
                    await asyncio.sleep(0)
            async with Client.connect(path) as client:
                assert await client.status() == STATUS

    served(tmp_path / "control", test)


def test_there_are_only_so_many_clients(tmp_path: Path) -> None:
    async def test(_: Worker, path: Path) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(MOST_CLIENTS):
                client = await stack.enter_async_context(Client.connect(path))
                await client.status()
            one_more = await stack.enter_async_context(Client.connect(path))
            with pytest.raises(ControlError, match="has closed the control socket"):
                await one_more.status()

    served(tmp_path / "control", test)


def test_only_its_user_may_use_it(tmp_path: Path) -> None:
    async def test(_: Worker, path: Path) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    served(tmp_path / "dcp-worker" / "control", test)


def test_another_user_is_known_by_the_kernels_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever could open the file: as root a process of another user asks, else this user is taken for another."""
    own, other = socket.socketpair(socket.AF_UNIX)
    with own, other:
        assert is_allowed(own, None)
        if os.geteuid() != 0:
            monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
            assert not is_allowed(own, None)
            assert is_allowed(own, grp.getgrgid(os.getegid()).gr_name)
            return
    for group, groups, allowed in ((None, [0], False), ("root", [0], True), ("root", [NOBODY], False)):
        assert asked_by_nobody(group, groups) == allowed


def asked_by_nobody(group: str | None, groups: list[int]) -> bool:
    """Whether a process of another user, with those groups, may use a socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # a name of the kernel's choice, without a file
        listener.listen()
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                os.setgroups(groups)
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
                client = socket.socket(socket.AF_UNIX)
                client.connect(listener.getsockname())
                client.recv(1)
            os._exit(0)
        server, _ = listener.accept()
        with server:
            allowed = is_allowed(server, group)
        os.waitpid(pid, 0)
        return allowed


def test_a_group_may_be_allowed(tmp_path: Path) -> None:
    group = grp.getgrgid(os.getegid())

    async def test() -> None:
        async with Worker().listening(tmp_path / "dcp-worker" / "control", group.gr_name) as path:
            assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (0o660, group.gr_gid)
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
        with pytest.raises(ControlError, match="there is no group"):
            async with Worker().listening(tmp_path / "control", "no-such-group"):
                pass

    asyncio.run(test())


def test_a_socket_that_a_killed_worker_has_left_is_replaced(tmp_path: Path) -> None:
    async def test(_: Worker, path: Path) -> None:
        await _connected(path)

    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    served(path, test)


def test_a_second_worker_has_a_socket_of_its_own(tmp_path: Path) -> None:
    async def test(_: Worker, path: Path) -> None:
        async with Worker().listening(path) as other:
            assert other == path.with_name(f"control-{os.getpid()}")
            await _connected(other)
        await _connected(path)
        assert [each.name for each in tmp_path.iterdir()] == ["control"]

    served(tmp_path / "control", test)


@pytest.mark.parametrize("what", ["file", "open", "missing"])
def test_where_it_cannot_be_an_error_says_so(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    message = "is there and is no socket"
    match what:
        case "file":
            (folder / "control").write_text("mine")
        case "open":
            folder.chmod(0o777)
            message = "others may write it"
        case "missing":
            folder.rmdir()
            folder.write_text("no folder")
            message = "cannot be made: Not a directory|cannot be made: File exists"

    async def test() -> None:
        async with Worker().listening(folder / "control"):
            pass

    with pytest.raises(ControlError, match=message):
        asyncio.run(test())
    if what == "file":
        assert (folder / "control").read_text() == "mine"


def test_its_path_may_be_long(tmp_path: Path) -> None:
    async def test(_: Worker, path: Path) -> None:
        await _connected(path)

    served(tmp_path / ("long" * 40) / "control", test)


def test_a_client_that_leaves_before_its_answers_is_no_fault(tmp_path: Path) -> None:
    async def test(worker: Worker, path: Path) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["message"]))
        worker.may_answer.clear()
        reader, writer = await asyncio.open_unix_connection(path)
        for number in range(8):
            writer.write(b'{"jsonrpc": "2.0", "id": %d, "method": "finish"}\n' % number)
        writer.write(b'{"jsonrpc": "2.0", "id": "last", "method": "status"}\n')
        await reader.readline()
        writer.transport.abort()
        worker.may_answer.set()
        async with asyncio.timeout(30):
            while len(worker.heard) < 8:
                await asyncio.sleep(0.01)
        async with Client.connect(path) as client:
            assert await client.status() == STATUS
        gc.collect()

    faults: list[str] = []
    served(tmp_path / "control", test)
    assert faults == []


def test_nobody_who_locks_the_folder_keeps_a_worker_from_its_start(tmp_path: Path) -> None:
    async def test(worker: Worker, path: Path) -> None:
        async with Client.connect(path) as client:
            assert await client.status() == STATUS

    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        served(tmp_path / "control", test)
    finally:
        os.close(folder)


def test_a_worker_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with Client.connect(path) as one:
            with pytest.raises(ControlError, match="has not answered for"):
                await one.status()
            async with Client.connect(path):
                with pytest.raises(ControlError, match="does not answer: as many as may wait"):
                    await _connected(path)

    monkeypatch.setattr("dcp_worker.control.client.PATIENCE", 0.1)
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(path))
        silent.listen(1)  # and one more
        asyncio.run(test())
