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

from dcp_evaluator.settings import engines, installation
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
    copy = public.folder / f"{name}.so"
    if not copy.exists():  # else a process may run it: its text must not be written
        shutil.copy(BUILT / copy.name, copy)
    return str(copy)


class Sandboxes:
    """A zygote whose sandboxes are taken over."""

    def __init__(self, zygote: RunningZygote, library: str) -> None:
        """``library``: what the process that compiles opens in place of wasmtime's."""
        self.zygote = zygote
        self._library = library
        self._count = 0

    def attempt(self, name: str) -> str:
        """In a fresh sandbox. What it was refused, or what killed it."""
        return self._ask(f"attempt({name!r})")

    def attempt_in_compiler(self, name: str) -> str:
        """In the process that compiles a module, which starts with the first one."""
        with mock.patch.object(installation, "wasmtime_library", lambda: self._library):
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


def command(engine: str, public: PublicCopies, library: str) -> list[str]:
    """Of a zygote: ``library`` is wasmtime's for it. ``engine``: of ENGINES."""
    name, _, without_jit = engine.partition(" ")
    if name == "quickjs":
        return [public.zygote, "--wasmtime", library]
    return public.of_v8(engines.zygote_command(name, Settings(jit=not without_jit)))


@contextmanager
def sandboxes(engine: str, prefix: Sequence[str], public: PublicCopies) -> Iterator[Sandboxes]:
    """``engine``: of ENGINES."""
    name = engine.partition(" ")[0]
    library = copy_library("attack_wasmtime" if name == "quickjs" else "attack_write", public)
    environment = {"PATH": "/usr/bin:/bin"} | ({} if name == "quickjs" else {"LD_PRELOAD": library})
    with RunningZygote(
        public.folder, "--memory-limit", str(256 << 20), source=_SCRIPTS[name], environment=environment,
        prefix=prefix, program=command(engine, public, library),
    ) as zygote:  # fmt: skip
        yield Sandboxes(zygote, library)


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
