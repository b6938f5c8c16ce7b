"""Drives a GPU host as a sandbox would, or as one that is out of hand would."""

from __future__ import annotations

import mmap
import os
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from dcp_evaluator.settings import installation

sys.path.insert(0, str(Path(__file__).parents[1] / "native" / "codegen"))

from webgpu import layouts

# native/gpu/wire.hpp
COMMAND_WORDS = 1 << 18
RINGS_OFFSET = 4096
REPLIES_OFFSET = RINGS_OFFSET + 4 * COMMAND_WORDS
REPLY_WORDS = 1 << 16
HEAP_OFFSET = REPLIES_OFFSET + 4 * REPLY_WORDS
COMMANDS_WRITE, COMMANDS_READ, REPLIES_WRITE = 64, 128, 192
BROKE_THE_PROTOCOL = 3


def command(name: str, *payload: int) -> list[int]:
    """The words of one of layouts.COMMANDS: its header, and the payload."""
    return message(layouts.opcode(name), *payload)


def message(opcode: int, *payload: int) -> list[int]:
    """As command(), with any opcode."""
    return [layouts.header(opcode, len(payload) + 1), *payload]


class GpuHost:
    """A running dcp-gpu-host and the memory that it shares."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self.process = subprocess.Popen(
                [installation.executable("dcp-gpu-host"), "--library", installation.wgpu_library()],
                close_fds=False,
                preexec_fn=lambda: os.dup2(theirs.fileno(), 3),  # noqa: PLW1509 - it only duplicates a descriptor
                stderr=subprocess.PIPE,
                text=True,
            )
        self.socket = ours
        _, (memory, self._wake, self._replied), _, _ = socket.recv_fds(ours, 8, 3)
        self.size = os.fstat(memory).st_size
        self.memory = mmap.mmap(memory, HEAP_OFFSET + 4096)
        os.close(memory)
        self._position = 0

    def __enter__(self) -> GpuHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.communicate()
            self.memory.close()
            os.close(self._wake)
            os.close(self._replied)

    def word(self, offset: int) -> int:
        (value,) = struct.unpack_from("<I", self.memory, offset)
        return int(value)

    def send(self, words: Sequence[int]) -> None:
        """Puts words into the command ring, from where the last ones ended, and publishes them."""
        for value in words:
            index = self._position % COMMAND_WORDS
            struct.pack_into("<I", self.memory, RINGS_OFFSET + 4 * index, value & 0xFFFFFFFF)
            self._position = (self._position + 1) & 0xFFFFFFFF
        self.publish(self._position)

    def publish(self, position: int) -> None:
        struct.pack_into("<I", self.memory, COMMANDS_WRITE, position & 0xFFFFFFFF)
        os.write(self._wake, struct.pack("<Q", 1))

    def reply(self) -> tuple[str, list[int]]:
        """Name and payload of the first reply."""
        assert select.select([self._replied], [], [], 20)[0], "no reply"
        header = self.word(REPLIES_OFFSET)
        kind, words = divmod(header, layouts.header(1, 0))
        payload = struct.unpack_from(f"<{words - 1}I", self.memory, REPLIES_OFFSET + 4)
        return list(layouts.REPLIES)[kind - 1], list(payload)

    def ended(self) -> tuple[int, str]:
        """Exit status, and what the host said."""
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said
