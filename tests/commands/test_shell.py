"""``dcp-evaluator --shell``: scripts in order in one fresh sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli_driver import COMMAND, DEADLINE, run, write
from process_tree import children, descendants, is_running, kill
from zygote_control import wait_until

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """``shell(SOURCE, OPTION...)`` runs one script, ``t.js``."""

    def run_one(source: str, *options: str) -> subprocess.CompletedProcess[str]:
        return run("--shell", *options, *write(tmp_path, t=source), folder=tmp_path)

    return run_one


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


# --- Scripts ---


def test_scripts_run_in_order_in_one_global_scope(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        a="const lexical = 1; var variable = 2; print(typeof later, this === globalThis);",
        b="function later() {} print(lexical + variable);",
    )
    assert outcome(run("--shell", *files, folder=tmp_path)) == (0, "undefined true\n3\n", "")


def test_scripts_are_sloppy_and_see_no_host(shell: Shell) -> None:
    done = shell("undeclared = 1; print(undeclared, [typeof process, typeof require, typeof writeln, typeof die])")
    assert outcome(done) == (0, "1 undefined,undefined,undefined,undefined\n", "")


def test_print_writes_strings(shell: Shell) -> None:
    done = shell('print("a", 1.5, null, undefined, [1, 2], 5n, Symbol("s"), { toString: () => "ü€😀" }); print();')
    assert outcome(done) == (0, "a 1.5 null undefined 1,2 5 Symbol(s) ü€😀\n\n", "")


def test_a_long_text_is_not_cut_within_a_character(shell: Shell) -> None:
    """Each of these has two units of JavaScript; the first text has one where its pieces would be of even length."""
    done = shell('print("x" + "😀".repeat(1.5e6)); print("😀".repeat(1.5e6));')
    assert outcome(done) == (0, f"x{1_500_000 * '😀'}\n{1_500_000 * '😀'}\n", "")


def test_print_loses_nothing_of_ten_million_characters(shell: Shell) -> None:
    done = shell('print("x".repeat(1e7)); for (let i = 0; i < 1e4; i++) print(i);')
    expected = "x" * 10_000_000 + "\n" + "".join(f"{i}\n" for i in range(10_000))
    assert done.returncode == 0
    assert done.stdout == expected


def test_console_goes_to_the_fitting_stream(shell: Shell) -> None:
    assert outcome(shell("console.log({ a: 1 }); console.error('bad');")) == (0, "{ a: 1 }\n", "bad\n")


@pytest.mark.parametrize(
    "source", ["", "\n", "#!/usr/bin/env dcp-evaluator\nprint(1)", "print(1)\r\n// end", "\ufeffprint(1)"]
)
def test_every_form_of_a_script_is_taken(shell: Shell, source: str) -> None:
    assert outcome(shell(source)) == (0, "1\n" if "print" in source else "", "")


def test_file_names_with_spaces_and_accents(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "ä b.js").write_text("\nthrow new Error('here');")
    done = run("--shell", "a folder/ä b.js", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "a folder/ä b.js:2:" in done.stderr


def test_a_script_may_come_from_a_pipe(tmp_path: Path) -> None:
    assert outcome(run("--shell", "/dev/stdin", lines="print(7)")) == (0, "7\n", "")


# --- What is pending ---


def test_it_runs_until_nothing_is_pending(shell: Shell) -> None:
    done = shell(
        """
        setTimeout(() => { print("timer"); Promise.resolve().then(() => print("promise")); }, 300);
        const every = setInterval(() => { if (++count === 3) { clearInterval(every); print("interval"); } }, 1);
        let count = 0;
        queueMicrotask(() => print("microtask"));
        print("script");
        """
    )
    assert outcome(done) == (0, "script\nmicrotask\ninterval\ntimer\npromise\n", "")


def test_a_promise_that_never_settles_is_not_waited_for(shell: Shell) -> None:
    assert outcome(shell("new Promise(() => {}).then(() => print('never')); print('end');")) == (0, "end\n", "")


def test_webassembly_is_waited_for(shell: Shell) -> None:
    done = shell(
        """
        const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
        WebAssembly.instantiate(bytes).then(({ instance }) => print(Object.keys(instance.exports).length));
        """
    )
    assert outcome(done) == (0, "0\n", "")


def test_the_gpu_is_waited_for(shell: Shell) -> None:
    done = shell(
        """
        (async () => {
          const device = await (await navigator.gpu.requestAdapter()).requestDevice();
          const { COPY_DST, MAP_READ } = GPUBufferUsage;
          const buffer = device.createBuffer({ size: 4, usage: COPY_DST | MAP_READ });
          device.queue.writeBuffer(buffer, 0, new Uint32Array([42]));
          await buffer.mapAsync(GPUMapMode.READ);
          print(new Uint32Array(buffer.getMappedRange())[0]);
        })();
        """
    )
    assert outcome(done) == (0, "42\n", "")


# --- Errors ---


def test_an_uncaught_error_ends_it_with_name_message_and_stack(tmp_path: Path) -> None:
    files = write(tmp_path, a='print("before");', b="function f() {\n  null.x;\n}\nf();", c='print("after");')
    done = run("--shell", *files, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "before\n")
    head, *stack = done.stderr.splitlines()
    assert head.startswith("TypeError: ")
    assert len(stack) == 2
    assert stack[0].startswith("    at f (b.js:2:")
    assert "b.js:4:" in stack[1]


@pytest.mark.parametrize(
    ("source", "head"),
    [
        ("throw 5", "5 was thrown"),
        ("throw null", "null was thrown"),
        ("throw 'text'", "text"),
        ("throw { name: 'Own', message: 'words' }", "Own: words"),
        ("throw Object.assign(new Error('m'), { name: 'Mine' })", "Mine: m"),
        ("class Special extends RangeError {} throw new Special('m')", "RangeError: m"),
        (
            "setTimeout(() => { throw new RangeError('late') }, 1); setTimeout(() => print('never'), 1000)",
            "RangeError: late",
        ),
        ("queueMicrotask(() => { throw new Error('micro') })", "Error: micro"),
        ("(function f() { f() })()", "RangeError: Maximum call stack size exceeded"),
        ("throw new DOMException('gone', 'AbortError')", "AbortError: gone"),
    ],
)
def test_what_is_thrown_is_told(shell: Shell, source: str, head: str) -> None:
    done = shell(source)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == head


@pytest.mark.parametrize("source", ["\nlet x = ;", "\nimport './x.js'", "\nawait 1", "\n'unended", "\nlet a, a;"])
def test_a_syntax_error_has_its_place(shell: Shell, source: str) -> None:
    done = shell("print('never');" + source)
    assert (done.returncode, done.stdout) == (1, "")
    head, place = done.stderr.splitlines()
    assert head.startswith("SyntaxError: ")
    assert "t.js:2" in place


def test_a_rejection_without_a_handler_is_told_and_is_no_failure(shell: Shell) -> None:
    done = shell("Promise.reject(new Error('no')); setTimeout(() => print('on'), 5);")
    assert (done.returncode, done.stdout) == (0, "on\n")
    assert done.stderr.startswith("Uncaught (in promise) Error: no\n    at ")


def test_a_rejection_that_is_handled_is_not_told(shell: Shell) -> None:
    assert outcome(shell("Promise.reject(1).catch((e) => print(e));")) == (0, "1\n", "")


@pytest.mark.parametrize("allocate", ["new Array(1e5).fill(1)", "new Uint8Array(1e7)", "'x'.repeat(1e6) + list.length"])
def test_memory_ends_at_its_limit(shell: Shell, engine: str, allocate: str) -> None:
    done = shell(f"const list = []; for (;;) list.push({allocate});", "--memory-limit", "32")
    assert done.returncode == 1
    buffers_of_v8 = engine == "v8" and "Uint8Array" in allocate
    wanted = "RangeError: Array buffer allocation failed" if buffers_of_v8 else "InternalError: out of memory"
    assert done.stderr.splitlines()[0] == wanted


# --- Modules ---


def test_the_last_file_may_be_a_module(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "values.mjs").write_text("export { other } from './other.mjs'; export const value = 40; print('loaded');")
    (folder / "other.mjs").write_text("export let other = 2;")
    files = write(
        tmp_path,
        a="const global = 'script';",
        b="""
        import { value, other } from "./lib/values.mjs";
        import * as again from "./lib/values.mjs";
        print(global, value + other, this, again.value);
        print((await import("./lib/values.mjs")) === again);
        """,
    )
    done = run("--shell", "--module", *files, folder=tmp_path)
    assert outcome(done) == (0, "loaded\nscript 42 undefined 40\ntrue\n", "")


def test_modules_may_import_each_other(tmp_path: Path) -> None:
    (tmp_path / "other.js").write_text("import { a } from './main.js'; export const b = () => a + 1;")
    files = write(tmp_path, main="import { b } from './other.js'; export const a = 1; print(b());")
    assert outcome(run("--shell", "--module", *files, folder=tmp_path)) == (0, "2\n", "")


def test_modules_may_be_larger_than_a_socket_takes_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, **{name: "export default 1; //" + "x" * 4_000_000})
    files = write(tmp_path, main="import a from './a.js'; const b = await import('./b.js'); print(a === b.default);")
    assert outcome(run("--shell", "--module", *files, folder=tmp_path)) == (0, "true\n", "")


def test_imports_are_relative_to_the_file_not_to_the_folder_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "value.mjs").write_text("export default 'beside';")
    write(tmp_path, main="import value from './value.mjs'; print(value);")
    assert outcome(run("--shell", "--module", tmp_path / "main.js", folder=Path("/"))) == (0, "beside\n", "")


def test_a_classic_script_may_import_when_it_runs(tmp_path: Path) -> None:
    (tmp_path / "value.mjs").write_text("export default 1;")
    files = write(tmp_path, main="import('./value.mjs').then((module) => print(module.default));")
    assert outcome(run("--shell", *files, folder=tmp_path)) == (0, "1\n", "")


@pytest.mark.parametrize("name", ["./missing.mjs", "bare", "../../../../../../../../etc/passwd", "/etc/passwd", "."])
def test_a_module_that_is_not_there_or_out_of_reach(shell: Shell, name: str) -> None:
    done = shell(f"import {name!r}; print('never');", "--module")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot find module" in done.stderr


def test_only_scripts_are_imported(tmp_path: Path) -> None:
    """A FIFO keeps nobody waiting, and what is no script is not read, whatever is in it."""
    os.mkfifo(tmp_path / "fifo.mjs")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder.js").mkdir()
    (tmp_path / "zero.mjs").symlink_to("/dev/zero")
    (tmp_path / "secret.txt").write_text("export default 'secret';")
    (tmp_path / "script.js").symlink_to(tmp_path / "secret.txt")  # its own name counts
    with (tmp_path / "endless.mjs").open("wb") as file:
        file.truncate((1 << 30) + 1)
    (tmp_path / "module.cjs").write_text("export default 'module';")
    names = ["fifo.mjs", "fifo", "folder.js", "zero.mjs", "secret.txt", "script.js", "endless.mjs", "module.cjs"]
    source = f"""for (const name of {names}) {{
      try {{ print((await import("./" + name)).default); }} catch (error) {{ print(error.message); }}
    }}"""
    done = run("--shell", "--module", *write(tmp_path, main=source), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert ["cannot find module" in line for line in lines[:-1]] == [True] * (len(names) - 1)
    assert lines[-1] == "module"


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.mjs").write_text("print('secret');")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.mjs").symlink_to(tmp_path / "secret.mjs")
    files = write(inner, main="import './link.mjs';")
    done = run("--shell", "--module", *files, folder=inner)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("source", "head"),
    [
        ("await null; throw new TypeError('m');", "TypeError: m"),
        ("let x = ;", "SyntaxError: "),
        ("undeclared = 1;", "ReferenceError: "),
        ("import { nothing } from './t.js';", "SyntaxError: "),
        ("setTimeout(() => { throw new Error('late') }, 1);", "Error: late"),
    ],
)
def test_a_module_that_fails(shell: Shell, source: str, head: str) -> None:
    done = shell(source, "--module")
    assert done.returncode == 1
    assert done.stderr.startswith(head)


# --- Processes ---


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell in an endless loop."""
    write(tmp_path, t="print('started'); for (;;);")
    with subprocess.Popen(
        [*COMMAND, "--shell", "t.js"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_all_processes(endless: subprocess.Popen[str], number: int, status: int) -> None:
    everything = descendants(endless.pid)
    endless.send_signal(number)
    assert endless.wait(DEADLINE) % 256 in (status, 256 - number)
    wait_until(lambda: not any(is_running(pid) for pid in everything), "all processes end")
    assert endless.stderr is not None
    assert endless.stderr.read() == ""


def test_a_sandbox_that_is_killed_is_told(endless: subprocess.Popen[str]) -> None:
    (zygote,) = children(endless.pid)
    for sandbox in children(zygote):
        kill(sandbox, "dcp-sandbox")
    _, stderr = endless.communicate(timeout=DEADLINE)
    assert endless.returncode == 137
    assert stderr == "dcp-evaluator: the sandbox ended before its scripts did (signal 9 (SIGKILL))\n"


def test_a_zygote_that_is_killed_is_told(endless: subprocess.Popen[str]) -> None:
    (zygote,) = children(endless.pid)
    os.kill(zygote, signal.SIGKILL)
    _, stderr = endless.communicate(timeout=DEADLINE)
    assert endless.returncode == 1
    assert stderr == "dcp-evaluator: the sandbox zygote ended (signal 9 (SIGKILL))\n"


def test_it_ends_when_nobody_reads(endless_output: subprocess.Popen[bytes]) -> None:
    assert endless_output.stdout is not None
    assert endless_output.stdout.readline() == b"y\n"
    endless_output.stdout.close()
    assert endless_output.wait(DEADLINE) == 141


@pytest.fixture
def endless_output(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    write(tmp_path, t="for (;;) print('y');")
    command = [*COMMAND, "--shell", "t.js"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()
