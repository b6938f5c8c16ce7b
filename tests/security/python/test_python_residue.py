"""Nothing of a job is in the sandboxes of the next one, nor in the template that they are forks of."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import numpy as np
from python_target import PythonTarget

import dcp_evaluator as dcp
from process_tree import children, name_of


def leaves_traces():
    import builtins
    import json
    import logging
    import os
    import sys
    import types
    from pathlib import Path

    import dcp

    import js

    for path in ("left.txt", "/tmp/left.txt", "/lib/python3.12/left.txt"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("left")
    os.environ["LEFT"] = "left"
    os.chdir("/tmp")
    sys.path.insert(0, "/tmp")
    sys.modules["left"] = types.ModuleType("left")
    sys.setrecursionlimit(50_000)
    builtins.left = builtins.abs = 1
    json.dumps = np.zeros = random.random = lambda *arguments: "left"
    logging.getLogger().addHandler(logging.NullHandler())
    dcp.public["left"] = "left"
    dcp.left = np.left = "left"
    js.globalThis.left = "left"
    js.eval("Array.prototype.left = 'left'")
    return looks_for_traces()


def looks_for_traces():
    import builtins
    import json
    import logging
    import os
    import sys
    from pathlib import Path

    import dcp

    import js

    here = {
        "files": any(Path(path).exists() for path in ("left.txt", "/tmp/left.txt", "/lib/python3.12/left.txt")),
        "environment": "LEFT" in os.environ,
        "folder": str(Path.cwd()) != "/home/pyodide",
        "path": "/tmp" in sys.path,
        "modules": "left" in sys.modules,
        "recursion": sys.getrecursionlimit() == 50_000,
        "builtins": hasattr(builtins, "left") or builtins.abs == 1,
        "functions": "left" in (json.dumps(""), np.zeros(1), random.random()),
        "logging": any(type(handler) is logging.NullHandler for handler in logging.getLogger().handlers),
        "public": "left" in dcp.public,
        "attributes": hasattr(dcp, "left") or hasattr(np, "left"),
        "globals of JavaScript": hasattr(js, "left"),
        "prototypes of JavaScript": js.eval("[].left") == "left",
    }
    return [name for name, is_here in here.items() if is_here]


def test_what_a_job_changes_ends_with_it(pythons: PythonTarget) -> None:
    before = looked_up(pythons)
    found = pythons.attack(leaves_traces).outcome()
    assert len(set(found) - set(before)) == 13
    assert looked_up(pythons) == before == []


def looked_up(pythons: PythonTarget) -> list[str]:
    return dcp.compute_for([0], lambda x: looks_for_traces()).local_exec(1, evaluator=pythons.evaluator).values()[0]  # type: ignore[no-any-return]


def draws(x):
    import os
    import secrets
    import tempfile
    import uuid

    import js

    drawn = [os.urandom(8), secrets.token_hex(8), uuid.uuid4(), tempfile.mktemp(), random.random()]
    drawn += [random.SystemRandom().random(), np.random.rand(), np.random.default_rng().random()]
    return [str(number) for number in (*drawn, js.Math.random(), js.crypto.randomUUID())]


def test_each_sandbox_draws_numbers_of_its_own(pythons: PythonTarget) -> None:
    jobs = [dcp.compute_for([0, 1], draws).local_exec(1, evaluator=pythons.evaluator).values() for _ in range(3)]
    drawn = [number for slices in jobs for numbers in slices for number in numbers]
    assert len(set(drawn)) == len(drawn) == 60


def dirties(x):
    secret = b"what no other job may see" * 10_000
    kept.append(np.frombuffer(secret, np.uint8).copy())
    np.random.seed(x)
    vars(np)[f"name{x}"] = secret
    return len(kept)


kept: list[np.ndarray] = []


def test_the_template_stays_as_it_was(pythons: PythonTarget) -> None:
    """A hundred jobs write all over the memory that they share with it."""
    run(pythons, 1)
    before = {zygote: memory_of(zygote) for zygote in templates()}
    run(pythons, 100)
    after = {zygote: memory_of(zygote) for zygote in templates()}
    assert before
    assert after == before


def run(pythons: PythonTarget, jobs: int) -> None:
    for number in range(jobs):
        assert dcp.compute_for([number], dirties).local_exec(1, evaluator=pythons.evaluator).values() == [1]


def templates() -> list[int]:
    """The zygotes of this process that hold one."""
    zygotes = [pid for pid in children(os.getpid()) if name_of(pid) == "dcp-zygote"]
    return [pid for pid in zygotes if b"--template" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def memory_of(pid: int) -> str:
    """A hash of the largest anonymous mapping that can be written to: the memory of Python's WebAssembly."""
    mappings = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    ranges = [
        tuple(int(end, 16) for end in fields[0].split("-"))
        for fields in mappings
        if fields[1] == "rw-p" and len(fields) == 5
    ]
    start, end = max(ranges, key=lambda found: found[1] - found[0])
    assert end - start > 20 << 20
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(start)
        content = memory.read(end - start)
    assert b"dcp_guest.driver" in content
    return hashlib.blake2b(content).hexdigest()
