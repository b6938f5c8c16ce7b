"""Records what real programs write into the command ring, as seeds for gpu_decoder_fuzz.

python tests/fuzz/record_gpu_seeds.py FOLDER

Each script of ``tests/fuzz/gpu`` runs in a sandbox on this machine's adapter. Opcodes and layouts come from the build,
so that seeds are recorded, never committed. Without an adapter the seeds say little, and the fuzzer has more to find.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

from dcp_evaluator import Evaluator, compute_for
from dcp_evaluator.gpu.pool import GpuPool
from dcp_evaluator.processes.child import Child

sys.path.insert(0, str(Path(__file__).parents[1]))

from gpu_host import COMMAND_WORDS, COMMANDS_WRITE, RINGS_OFFSET

SCRIPTS = Path(__file__).parent / "gpu"


class Tap:
    """Stands between a sandbox and its GPU host, and keeps their shared memory in sight."""

    def __init__(self, child: Child) -> None:
        hello, fds, _, _ = socket.recv_fds(child.socket, 64, 3)
        self._memory = mmap.mmap(fds[0], RINGS_OFFSET + 4 * COMMAND_WORDS, prot=mmap.PROT_READ)
        self._host = child.socket.dup()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(ours, [hello], fds)
        for fd in fds:
            os.close(fd)
        self._sandbox = ours
        child.socket.close()
        child.socket = theirs
        threading.Thread(target=self._hang_up, daemon=True).start()

    def commands(self) -> bytes:
        (words,) = struct.unpack_from("<I", self._memory, COMMANDS_WRITE)
        return self._memory[RINGS_OFFSET : RINGS_OFFSET + 4 * min(words, COMMAND_WORDS)]

    def _hang_up(self) -> None:
        # A sandbox that is killed with a message unread resets its connection.
        with self._host, self._sandbox, suppress(ConnectionResetError):
            self._sandbox.recv(1)


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    taps: list[Tap] = []

    start = GpuPool._start

    def start_tapped(pool: GpuPool) -> Child:
        child = start(pool)
        taps.append(Tap(child))
        return child

    GpuPool._start = start_tapped  # type: ignore[method-assign]
    with Evaluator(cache="off") as evaluator:  # hosts say hello first, as no shaders are kept
        for script in sorted(SCRIPTS.glob("*.js")):
            taps.clear()
            results = compute_for([0], script).local_exec(sandboxes=1, evaluator=evaluator).wait()
            for error in results.errors.values():
                print(f"{script.name}: {error}", file=sys.stderr)
                return 1
            for number, tap in enumerate(taps):
                if commands := tap.commands():
                    (folder / f"{script.stem}-{number}").write_bytes(commands)
    return 0


if __name__ == "__main__":
    sys.exit(main())
