"""Native code that attacks, run where an exploit would run it (attacks_*.cpp): what it got."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from public_copies import PublicCopies

from dcp_evaluator.settings import engines, installation, settings
from dcp_evaluator.settings.settings import Settings
from zygote_control import RunningZygote

BUILT = Path(__file__).parents[2] / "build" / "package" / "tests" / "security"
KILLED = "killed: SIGSYS"
# How a sandbox is taken over: where it validates a module, and with V8 where it writes a line.
_SCRIPTS = {
    "quickjs": """
const named = (name) => [...('attack ' + name)].map((c) => c.charCodeAt(0));
function attempt(name) {
  const bytes = new Uint8Array(512);
  bytes.set(named(name));
  WebAssembly.validate(bytes);
  return String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)));
}
function attemptInCompiler(name) {
  try { new WebAssembly.Module(new Uint8Array([...named(name), 0])); } catch (error) { return error.message; }
}
onreadln(function (line) { writeln(String((0, eval)(line))); });
""",
    "v8": """
const attempt = (name) => "attack " + name;
onreadln((line) => writeln(eval(line)));
""",
}
ENGINES = ("quickjs", "v8", "v8 without JIT")


def names() -> list[str]:
    return subprocess.run([BUILT / "attack_main"], capture_output=True, text=True, check=True).stdout.split()


def unprotected(name: str) -> str:
    """What the attack gets in a process that nothing protects."""
    return subprocess.run([BUILT / "attack_main", name], capture_output=True, text=True, timeout=20, check=False).stdout


def copy_library(name: str, public: PublicCopies) -> str:
    """A library that attacks, beside the real one that it brings along."""
    return shutil.copy(BUILT / f"{name}.so", public.folder)


class Sandboxes:
    """A zygote whose sandboxes are taken over."""

    def __init__(self, zygote: RunningZygote) -> None:
        self.zygote = zygote
        self._count = 0

    def attempt(self, name: str) -> str:
        """In a fresh sandbox. What it was refused, or what killed it."""
        return self._ask(f"attempt({name!r})")

    def attempt_in_compiler(self, name: str) -> str:
        """In the process that compiles a module."""
        return self._ask(f"attemptInCompiler({name!r})")

    def _ask(self, line: str) -> str:
        self._count += 1
        peer = self.zygote.spawn(str(self._count))
        answer = peer.ask(line)
        peer.close()
        exited = self.zygote.receive()
        if answer:
            assert exited == f"exited {self._count} exit 0", exited
            return answer
        return KILLED if exited == f"exited {self._count} signal {int(signal.SIGSYS)}" else exited


def command(engine: str, public: PublicCopies) -> list[str]:
    of_installation = engines.zygote_command(engine, Settings())
    return of_installation if engine == "quickjs" else public.of_v8(of_installation)


@contextmanager
def sandboxes(engine: str, prefix: Sequence[str], public: PublicCopies) -> Iterator[Sandboxes]:
    """``engine``: of ENGINES."""
    name, _, without_jit = engine.partition(" ")
    library = copy_library("attack_wasmtime" if name == "quickjs" else "attack_write", public)
    environment = {"PATH": "/usr/bin:/bin"} | ({} if name == "quickjs" else {"LD_PRELOAD": library})
    with (
        mock.patch.dict(os.environ, {settings.JIT_VARIABLE: "off" if without_jit else "on"}),
        mock.patch.object(installation, "wasmtime_library", lambda: library),
        mock.patch.object(installation, "executable", lambda name: str(public.folder / name)),
        RunningZygote(
            public.folder, "--memory-limit", str(256 << 20), source=_SCRIPTS[name], environment=environment,
            prefix=prefix, program=command(name, public),
        ) as zygote,
    ):  # fmt: skip
        yield Sandboxes(zygote)


def attempt_in_gpu_host(name: str, prefix: Sequence[str], public: PublicCopies, *options: str) -> str:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(
            [*prefix, public.gpu_host, "--library", copy_library("attack_wgpu", public), *options],
            env={"WGPU_ATTACK": name, "PATH": "/usr/bin:/bin"},
            close_fds=False,
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),
            stderr=subprocess.PIPE,
            text=True,
            timeout=20,
            check=False,
        )
    if done.returncode == -signal.SIGSYS:
        return KILLED
    return done.stderr.removeprefix("attack: ").strip()
