"""What whoever started the evaluator left open to its children is in reach of none of ours."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import dcp_evaluator as dcp
from process_tree import descendants, name_of, open_descriptors

# Every kind of process: a sandbox, its GPU host, the compiler of a module with one empty function.
WORK = """
async (value) => {
  const adapter = await navigator.gpu.requestAdapter();
  await adapter.requestDevice();
  const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 4, 1, 2, 0, 11];
  await WebAssembly.compile(new Uint8Array(bytes));
  return value;
}
"""


def holds(pid: int, path: Path) -> bool:
    for descriptor in open_descriptors(pid):
        with suppress(FileNotFoundError):  # closed by now
            if Path(f"/proc/{pid}/fd/{descriptor}").readlink() == path:
                return True
    return False


def holders(path: Path) -> list[str]:
    """Names of the processes below this one that have the file open."""
    found = []
    for pid in descendants(os.getpid()):
        # A sealed sandbox shows itself to root only; one may have ended by now.
        with suppress(PermissionError, FileNotFoundError, ProcessLookupError):
            if holds(pid, path):
                found.append(name_of(pid))
    return found


def test_an_inherited_descriptor_goes_to_no_process_of_ours(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for jobs")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        with dcp.Evaluator() as evaluator:
            assert list(dcp.compute_for([1, 2], WORK).local_exec(evaluator=evaluator)) == [1, 2]
            assert descendants(os.getpid())
            assert holders(secret) == []
