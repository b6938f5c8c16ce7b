"""What GPU hosts and their drivers write to stderr goes to ours, within limits: a hostile job may make them write."""

from __future__ import annotations

from collections.abc import Callable

from ..processes.allowance import Allowance
from .records import Records

MOST_OF_A_HOST = 64 * 1024
MOST_AT_ONCE = 256 * 1024
MOST_A_SECOND = 1024

# Line feeds and tabs pass; what else could steer a terminal does not. UTF-8 has no bytes below 0x80 in its sequences.
_VISIBLE = bytes(byte if byte in b"\n\t" or 0x20 <= byte != 0x7F else ord("?") for byte in range(256))


# All GPU hosts of this process together.
_of_this_process = Allowance(MOST_AT_ONCE, MOST_A_SECOND)


def pass_on(
    source: int,
    write: Callable[[bytes], object],
    allowance: Allowance = _of_this_process,
    records: Records | None = None,
) -> None:
    """Hands what comes from the pipe ``source`` to ``write`` until its end, or until it is too much; closes it.

    Its records go to ``records``. Later writes of the host fail with EPIPE; other hosts are not affected.
    """
    room = MOST_OF_A_HOST
    records = records or Records()
    with open(source, "rb", buffering=0, closefd=True) as pipe:
        while data := pipe.read(4096):
            data = records.take(data)
            given = allowance.take(min(len(data), room))
            room -= given
            write(data[:given].translate(_VISIBLE))
            if given < len(data):
                records.ready = True  # nothing more is learnt of it
                write(b"\ndcp-evaluator: a GPU host writes too much to stderr: the rest of its messages is dropped\n")
                return
        write(records.rest().translate(_VISIBLE))
