"""dcp-compiler: a module is compiled once, kept in files that are whole, and given to who asks with the same bytes."""

from __future__ import annotations

import functools
import itertools
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wasmtime

import dcp_evaluator as dcp
from cli_driver import run_script
from dcp_evaluator.processes.compiler import Compiler
from dcp_evaluator.settings import installation
from dcp_evaluator.settings.settings import Settings
from process_tree import children, is_running, kill, running
from zygote_control import wait_until

RUN = "(bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.run()"

pytestmark = pytest.mark.engine("quickjs", "V8 compiles in the sandbox")
_SANDBOXES = itertools.count(1)
_ATTACKER = Path(__file__).parents[2] / "build/package/tests/security/attack_wasmtime.so"
_F_ADD_SEALS, _SEALS = 1033, 0xF


def module(result: int, padding: bytes = b"") -> bytes:
    """A module whose ``run`` gives ``result``, with a custom section in front of its code."""
    text = f'(module (func (export "run") (result i32) i32.const {result}))'
    code = bytes(wasmtime.wat2wasm(text))
    content = b"\x03pad" + padding
    size, rest = bytearray(), len(content)
    while rest >= 0x80:
        size.append(rest & 0x7F | 0x80)
        rest >>= 7
    return code[:8] + b"\0" + bytes([*size, rest]) + content + code[8:] if padding else code


@functools.cache
def large_module(functions: int) -> bytes:
    """One that takes a while to compile."""
    body = " ".join(f"local.get 0 i32.const {k} i32.mul i32.const {k + 1} i32.xor local.set 0" for k in range(200))
    many = " ".join(f"(func (param i32) (result i32) {body} local.get 0)" for _ in range(functions))
    return bytes(wasmtime.wat2wasm(f'(module (func (export "run") (result i32) i32.const 7) {many})'))


@functools.cache
def small_functions(count: int) -> bytes:
    """A module that takes much memory to compile."""
    return bytes(wasmtime.wat2wasm(f"(module {'(func (param i32) (result i32) local.get 0)' * count})"))


def another(module: bytes, number: int) -> bytes:
    """The same with a custom section of its own."""
    return module + b"\0" + bytes([2 + number]) + b"\1x" + bytes(number)


def memfd(data: bytes, *, sealed: bool = True, size: int | None = None) -> int:
    """``size``: of a file whose rest are holes."""
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    assert os.write(fd, data) == len(data)
    if size is not None:
        os.ftruncate(fd, size)
    if sealed:
        import fcntl

        fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
    return fd


SMALL, LONG = 350, 6000
"""Functions of a module that does not count as large, and of one that takes seconds to compile."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a new evaluator keeps modules."""
    monkeypatch.setenv("DCP_EVALUATOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "modules"


@pytest.fixture
def run(folder: Path) -> Iterator[Callable[..., Any]]:
    """Runs ``source`` on each module in sandboxes of an evaluator of its own."""

    def run(*modules: bytes, source: str = RUN, sandboxes: int = 1) -> Any:
        inputs = [np.frombuffer(data, dtype=np.uint8) for data in modules]
        with dcp.Evaluator() as evaluator:
            return list(dcp.compute_for(inputs, source).local_exec(sandboxes, evaluator=evaluator).wait())

    return run


@pytest.fixture
def compiler(folder: Path) -> Iterator[Compiler]:
    compiler = Compiler(Settings(compile_memory=500 << 20))  # two at a time fit into every machine
    yield compiler
    compiler.close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".lock-")]


def kept(folder: Path) -> dict[str, tuple[int, int]]:
    """The files with their inode and size."""
    return {path.name: (path.stat().st_ino, path.stat().st_size) for path in files(folder)}


def connect(compiler: Compiler) -> socket.socket:
    """Of a sandbox that has not been there before."""
    connection = compiler.connect(next(_SANDBOXES))
    connection.settimeout(60)
    return connection


def ask(connection: socket.socket, data: bytes) -> None:
    fd = memfd(data)
    socket.send_fds(connection, [b"C"], [fd])
    os.close(fd)


def answer_of(connection: socket.socket) -> bytes:
    answer, descriptors, _, _ = socket.recv_fds(connection, 8192, 4)
    for descriptor in descriptors:
        os.close(descriptor)
    return answer


def compile_in(connection: socket.socket, data: bytes) -> bytes:
    ask(connection, data)
    return answer_of(connection)


def compiling(compiler: Compiler) -> list[int]:
    """The sealed processes that compile."""
    assert compiler.pid is not None
    return running("dcp-compile", children(compiler.pid))


def memory(pid: int, field: str = "VmHWM") -> int:
    """MiB."""
    found = re.search(rf"^{field}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) >> 10


def test_a_module_is_compiled_once(run: Callable[..., Any], folder: Path) -> None:
    assert run(module(1)) == [1]
    first = kept(folder)
    assert len(first) == 1
    assert run(module(1), module(1)) == [1, 1]
    assert kept(folder) == first
    assert run(module(2)) == [2]
    assert len(kept(folder)) == 2


def test_many_sandboxes_that_ask_at_once_wait_for_one(run: Callable[..., Any], folder: Path) -> None:
    data = large_module(300)
    assert run(*[data] * 8, sandboxes=4) == [7] * 8
    assert len(kept(folder)) == 1


def test_evaluators_that_ask_at_once_wait_for_one(folder: Path) -> None:
    """Three compilers, one folder: one of them compiles, the others wait and find the file."""
    compilers = [Compiler(Settings()) for _ in range(3)]
    connections = [connect(compiler) for compiler in compilers]
    fd = memfd(large_module(2000))
    for connection in connections:
        socket.send_fds(connection, [b"C"], [fd])
    os.close(fd)
    wait_until(lambda: any(map(compiling, compilers)), "the compilation runs")
    assert sum(len(compiling(compiler)) for compiler in compilers) == 1
    for connection in connections:
        connection.settimeout(60)
        answer, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
        assert answer == b"M"
        for descriptor in descriptors:
            os.close(descriptor)
        connection.close()
    for compiler in compilers:
        compiler.close()
    assert len(kept(folder)) == 1


def test_what_is_kept_is_for_this_user_only(run: Callable[..., Any], folder: Path) -> None:
    run(module(1))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in files(folder)] == [0o600]


@pytest.mark.parametrize("tear", ["cut", "longer", "zeros", "empty", "code", "module", "other"])
def test_a_torn_file_is_compiled_again(run: Callable[..., Any], folder: Path, tear: str) -> None:
    run(module(5, b"x" * 5000))
    (path,) = files(folder)
    data = bytearray(path.read_bytes())
    at = {"code": 0x400, "module": len(data) - 3000}.get(tear, 0)
    if tear in ("code", "module"):
        data[at] ^= 1
    torn = {
        "cut": data[:-100],
        "longer": data + b"\0",
        "zeros": data[:4096] + bytes(len(data) - 4096),
        "empty": b"",
        "other": b"not a module file" * 100,
    }.get(tear, data)
    path.write_bytes(torn)
    assert run(module(5, b"x" * 5000)) == [5]
    (again,) = files(folder)
    assert len(again.read_bytes()) == len(data)
    assert run(module(5, b"x" * 5000)) == [5]


def test_modules_with_the_same_key_are_told_apart_by_their_bytes(run: Callable[..., Any], folder: Path) -> None:
    """The key samples a large module, and here two differ between the samples."""
    padding = bytearray(1 << 20)
    padding[5000] = 1
    source = """(bytes) => { const module = new WebAssembly.Module(bytes);
      const [section] = WebAssembly.Module.customSections(module, "pad");
      return [new WebAssembly.Instance(module).exports.run(), new Uint8Array(section)[5000]]; }"""
    plain, other = module(1, bytes(1 << 20)), module(1, bytes(padding))
    for _ in range(2):
        assert run(plain, other, source=source) == [[1, 0], [1, 1]]
        names = sorted(kept(folder))
        assert [name[-2:] for name in names] == ["-0", "-1"]
        assert names[0][:-2] == names[1][:-2]


def test_the_folder_is_bounded(run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_EVALUATOR_CACHE_MIB", "1")
    modules = [module(k, bytes([k]) * 200_000) for k in range(12)]
    assert run(*modules) == list(range(12))
    assert sum(size for _, size in kept(folder).values()) <= 1 << 20
    assert kept(folder)


@pytest.mark.parametrize("fault", ["others may write", "no folder", "off"])
def test_without_a_folder_modules_are_compiled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    if fault == "others may write":
        (cache / "modules").mkdir()
        (cache / "modules").chmod(0o777)
    elif fault == "no folder":
        (cache / "modules").write_text("")
    monkeypatch.setenv("DCP_EVALUATOR_CACHE", "off" if fault == "off" else str(cache))
    data = np.frombuffer(module(3), dtype=np.uint8)
    with dcp.Evaluator() as evaluator:
        for _ in range(2):
            assert list(dcp.compute_for([data], RUN).local_exec(1, evaluator=evaluator).wait()) == [3]
    message = capfd.readouterr().err
    assert ("compiled WebAssembly is not kept: " in message) == (fault != "off")
    assert fault == "off" or str(cache / "modules") in message


def test_a_wrong_limit_is_told(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_EVALUATOR_CACHE_MIB", "much")
    with pytest.raises(dcp.DcpError, match="DCP_EVALUATOR_CACHE_MIB is a number of MiB, not 'much'"):
        run(module(1))


def test_start_up_files_compile_too(tmp_path: Path, folder: Path) -> None:
    bytes_ = f"new Uint8Array({list(module(4))})"
    done = run_script(tmp_path, f"print(new WebAssembly.Instance(new WebAssembly.Module({bytes_})).exports.run())")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4\n", "")


# --- Whoever is at the other end lies ---


def test_liars_are_dropped_and_others_are_served(compiler: Compiler, folder: Path) -> None:
    unsealed = memfd(module(1), sealed=False)
    empty = memfd(b"")
    file = os.open(__file__, os.O_RDONLY)
    lies: list[tuple[bytes, list[int]]] = [
        (b"", []),
        (b"C", []),
        (b"C", [unsealed]),
        (b"C", [empty]),
        (b"C", [file]),
        (b"C", [file, file]),
        (b"Cx", [file]),
        (b"L", []),
        (b"L" + bytes(23), []),
        (b"L" + bytes(25), []),
        (b"L" + bytes(24), [file]),
        (b"x" * 100_000, []),
        (os.urandom(50), []),
    ]
    honest = connect(compiler)
    for text, descriptors in lies:
        with connect(compiler) as liar:
            liar.settimeout(20)
            socket.send_fds(liar, [text], descriptors)
            assert liar.recv(100) == b""
        assert compile_in(honest, module(1)) == b"M"
    honest.close()
    for fd in (unsealed, empty, file):
        os.close(fd)


def test_looking_up(compiler: Compiler) -> None:
    with connect(compiler) as connection:
        for key in (bytes(24), b"\xff" * 24, b"../../../etc/passwd\0\0\0\0\0"):
            connection.send(b"L" + key)
            assert connection.recv(100) == b"N"


def test_speaking_out_of_turn(compiler: Compiler) -> None:
    with connect(compiler) as connection, connect(compiler) as other:
        ask(connection, large_module(200))
        connection.send(b"L" + bytes(24))
        connection.settimeout(20)
        assert connection.recv(100) == b""
        assert compile_in(other, module(1)) == b"M"


def test_what_is_given_out_cannot_be_written(compiler: Compiler) -> None:
    with connect(compiler) as connection:
        fd = memfd(module(1))
        socket.send_fds(connection, [b"C"], [fd])
        os.close(fd)
        _, (file,), _, _ = socket.recv_fds(connection, 100, 1)
        with pytest.raises(OSError):
            os.write(file, b"x")
        with pytest.raises(OSError):
            os.ftruncate(file, 0)
        os.close(file)


@pytest.mark.parametrize("data", [b"\0asm\1\0\0\0\xff", b"garbage", module(1)[:-1]])
def test_an_invalid_module_is_told(compiler: Compiler, folder: Path, data: bytes) -> None:
    with connect(compiler) as connection:
        assert compile_in(connection, data).startswith(b"E")
        assert compile_in(connection, module(1)) == b"M"
    assert len(kept(folder)) == 1


def test_an_invalid_module_again_and_again(run: Callable[..., Any]) -> None:
    """Several sandboxes ask at once, and again as soon as they have been told."""
    source = """(bytes) => { let count = 0;
      for (let k = 0; k < 40; k++) {
        try { new WebAssembly.Module(bytes); } catch (error) { count += error instanceof WebAssembly.CompileError; }
        progress();
      }
      return count; }"""
    assert run(*[module(1)[:-1]] * 8, source=source, sandboxes=4) == [40] * 8


# --- Whatever is killed ---


def test_a_killed_compiler_is_replaced(folder: Path, new_processes: Callable[[str], list[int]]) -> None:
    source = f"""async (bytes) => {{ const first = ({RUN})(bytes[0]); console.log("first");
      while (!globalThis.killed) {{ await 0; progress(); try {{ ({RUN})(bytes[1]); killed = true; }} catch {{}} }}
      return [first, ({RUN})(bytes[2])]; }}"""
    data = [np.frombuffer(module(k), dtype=np.uint8) for k in range(3)]
    with dcp.Evaluator() as evaluator:
        job = dcp.compute_for([data], source)
        job.on("console", lambda event: kill(new_processes("dcp-compiler")[0], "dcp-compiler"))
        assert list(job.local_exec(1, evaluator=evaluator).wait()) == [[0, 2]]


def test_compiling_a_small_module_ends_when_nobody_waits_for_it(compiler: Compiler, folder: Path) -> None:
    with connect(compiler) as connection:
        ask(connection, large_module(SMALL))
        wait_until(lambda: bool(compiling(compiler)), "the compilation runs")
    assert compiler.pid is not None
    pid = compiler.pid
    wait_until(lambda: not children(pid), "the compilation has ended")
    assert is_running(pid)
    assert not kept(folder)


def test_compiling_a_large_module_goes_on_when_its_sandbox_has_gone(compiler: Compiler, folder: Path) -> None:
    """So that the next one that asks finds it; one at a time."""
    data = large_module(3000)
    with connect(compiler) as connection:
        ask(connection, data)
        wait_until(lambda: bool(compiling(compiler)), "the compilation runs")
    with connect(compiler) as other:
        ask(other, another(data, 1))
        wait_until(lambda: len(compiling(compiler)) == 2, "both run")
    (left,) = _when_one_is_left(compiler)
    with connect(compiler) as again:
        ask(again, data)
        assert answer_of(again) == b"M"
    assert left not in compiling(compiler)
    assert len(kept(folder)) == 1


def _when_one_is_left(compiler: Compiler) -> list[int]:
    wait_until(lambda: len(compiling(compiler)) == 1, "one is left")
    return compiling(compiler)


def test_what_goes_on_gives_way_to_what_is_asked_for(compiler: Compiler) -> None:
    """The third of two large modules at a time does not wait for one that nobody asks for."""
    places = max(4, 2 * (os.cpu_count() or 1)) // 2
    with connect(compiler) as connection:
        ask(connection, large_module(3000))
        wait_until(lambda: bool(compiling(compiler)), "the compilation runs")
        (first,) = compiling(compiler)
    others = [connect(compiler) for _ in range(places)]
    for number, other in enumerate(others):
        ask(other, another(large_module(2000), number))
    wait_until(lambda: not is_running(first), "the first one has given way")
    for other in others:
        other.close()


def test_a_compilation_that_is_killed_is_told(compiler: Compiler) -> None:
    with connect(compiler) as connection:
        ask(connection, large_module(3000))
        wait_until(lambda: bool(compiling(compiler)), "the compilation runs")
        assert kill(compiling(compiler)[0], "dcp-compile")
        answer = answer_of(connection)
        assert answer.startswith(b"F")
        assert b"killed" in answer
        assert compile_in(connection, module(1)) == b"M"


# --- Each its share ---


def test_a_new_connection_of_a_sandbox_ends_the_old_one(compiler: Compiler) -> None:
    with compiler.connect(7) as old, compiler.connect(8) as other:
        ask(old, large_module(SMALL))
        wait_until(lambda: bool(compiling(compiler)), "the compilation runs")
        with compiler.connect(7) as new:
            assert old.recv(100) == b""
            assert compile_in(new, module(1)) == b"M"
        wait_until(lambda: not compiling(compiler), "what was asked for there has ended")
        assert compile_in(other, module(1)) == b"M"


def test_one_sandbox_does_not_keep_the_others_waiting(compiler: Compiler) -> None:
    """Forty connections, each with a module that takes long: one of them counts."""
    hostile = []
    with connect(compiler) as honest:
        for number in range(40):
            hostile.append(compiler.connect(1_000_000))
            ask(hostile[-1], another(large_module(3000), number))
        assert compile_in(honest, module(1)) == b"M"
        assert len(compiling(compiler)) <= 2  # the last one, and one that goes on
        assert [connection.recv(100) for connection in hostile[:-1]] == [b""] * 39
    for connection in hostile:
        connection.close()


def test_a_module_does_not_wait_for_another_one_with_its_key(compiler: Compiler, folder: Path) -> None:
    """Keys are hashes of samples: a job can make a module with the key of another job's, and compile it for long."""
    data = large_module(3000)
    step = len(data) // 64
    at = next(k for k in range(step + 2000, len(data)) if data[k - 1] == 0x41 and data[k] == 1 and k % step > 1024)
    with connect(compiler) as hostile, connect(compiler) as honest:
        ask(hostile, data[:at] + b"\2" + data[at + 1 :])
        ask(honest, data)
        wait_until(lambda: len(compiling(compiler)) == 2, "both are compiled")
        assert answer_of(hostile) == answer_of(honest) == b"M"
    first, second = sorted(kept(folder))
    assert first[:-2] == second[:-2]


def test_small_modules_do_not_wait_for_large_ones(compiler: Compiler) -> None:
    many = [connect(compiler) for _ in range(3 * (os.cpu_count() or 1) + 4)]
    for number, connection in enumerate(many):
        ask(connection, another(large_module(1000), number))
    with connect(compiler) as small:
        assert compile_in(small, module(1)) == b"M"
    assert len(compiling(compiler)) <= max(4, 2 * (os.cpu_count() or 1)) // 2
    for connection in many:
        connection.close()


def test_modules_that_are_holes_are_refused(compiler: Compiler) -> None:
    head = module(1)[:8] + b"\0" + b"\xf0\xff\xff\x31" + b"\1x"  # a custom section of 100 MiB
    assert compile_in(connect(compiler), module(1)) == b"M"
    assert compiler.pid is not None
    before = memory(compiler.pid)
    with connect(compiler) as honest:
        for _ in range(25):
            fd = memfd(head, size=100 << 20)
            with connect(compiler) as liar:
                socket.send_fds(liar, [b"C"], [fd])
                assert liar.recv(100) == b""
            os.close(fd)
        assert compile_in(honest, module(1)) == b"M"
    assert memory(compiler.pid) < before + 50


def test_the_service_maps_no_module(compiler: Compiler) -> None:
    data = module(1, os.urandom(100 << 20))
    with connect(compiler) as connection:
        assert compile_in(connection, data) == b"M"
        assert compile_in(connection, data) == b"M"
    assert compiler.pid is not None
    assert memory(compiler.pid) < 100


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        ("answer_with_holes", "the compiler's answer is no code"),
        ("answer_of_2_gib", "attack: refused: EFBIG"),
    ],
)
def test_an_answer_of_holes_is_refused(
    compiler: Compiler, folder: Path, monkeypatch: pytest.MonkeyPatch, attack: str, reason: str
) -> None:
    """The process that compiles is taken over, and answers with a file that would become memory of the compiler's."""
    monkeypatch.setattr(installation, "wasmtime_library", lambda: str(_ATTACKER))
    with connect(compiler) as connection:
        assert reason in compile_in(connection, b"attack " + attack.encode() + b"\0").decode()
        assert compile_in(connection, module(1)) == b"M"
    assert len(kept(folder)) == 1
    assert compiler.pid is not None
    assert memory(compiler.pid) < 100


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("COMPILE_MIB", "2", "more than 2 MiB of memory, its limit here (DCP_EVALUATOR_COMPILE_MIB sets another)"),
        ("COMPILE_SECONDS", "1", "more than 1 s of CPU time, its limit (DCP_EVALUATOR_COMPILE_SECONDS sets another)"),
    ],
    ids=["memory", "time"],
)
def test_the_limit_that_a_module_meets_is_named(folder: Path, variable: str, value: str, message: str) -> None:
    compiler = Compiler(Settings(environment={f"DCP_EVALUATOR_{variable}": value, "DCP_EVALUATOR_CACHE": str(folder)}))
    data = small_functions(200_000) if variable == "COMPILE_MIB" else large_module(LONG)
    connections = [connect(compiler) for _ in range(3)]
    for connection in connections:
        ask(connection, data)
    for connection in connections:  # all who ask for it at once are told
        assert answer_of(connection).decode().startswith("Fcompiling it takes " + message)
        connection.close()
    compiler.close()


def test_a_file_does_not_drive_out_the_others(
    run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCP_EVALUATOR_CACHE_MIB", "1")
    assert run(module(1)) == [1]
    before = kept(folder)
    large = module(2, b"x" * 600_000)
    assert run(large, large) == [2, 2]
    assert kept(folder) == before


def test_what_the_folder_does_not_take_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_EVALUATOR_CACHE_MIB", "1")
    compiler = Compiler(Settings())
    large = large_module(1200)
    with connect(compiler) as one, connect(compiler) as other:
        ask(one, large)
        wait_until(lambda: bool(compiling(compiler)), "the compilation runs")
        ask(other, large)
        assert len(compiling(compiler)) <= 1
        assert answer_of(one) == answer_of(other) == b"M"
        wait_until(lambda: not children(compiler.pid or 0), "all has ended")
        assert compile_in(other, large) == b"M"
    compiler.close()
    assert not kept(folder)
