"""A program: jobs on a cluster that attack, in native code (attack_wasmtime.cpp), in Python and in JavaScript.

It prints a line when the first one runs, and reads attacks (attack.hpp) as a line of JSON. Then it prints what has come
of all as a line of JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator

import dcp_evaluator as dcp

HARMLESS = "descriptors"
NATIVE = """(attack) => {
  const bytes = new Uint8Array(4096);
  bytes.set([...('attack ' + attack)].map((c) => c.charCodeAt(0)));
  WebAssembly.validate(bytes);
  return String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)));
}"""
JAVASCRIPT = """async () => {
  const names = ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "process", "Deno", "std", "os"];
  const found = names.filter((name) => name in globalThis);
  for (const name of ["node:net", "node:fs", "net", "fs", "std", "os", "qjs:std", "qjs:os"]) {
    try { await import(name); found.push(name); } catch {}
  }
  return found;
}"""
"""What there is for the network and for files."""


def in_python(attack: str) -> str:
    import socket
    from pathlib import Path

    verb, target = attack.split(" ")
    try:
        if verb == "open":
            Path(target).open("rb").close()
        elif target.startswith("/"):
            socket.socket(socket.AF_UNIX).connect(target)
        else:
            host, port = target.split(":")
            socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, AttributeError) as error:  # the second, of a module that has less
        return f"refused: {type(error).__name__}"
    return f"SUCCEEDED: {attack}"


def in_native_code(attacks: list[str], are_known: threading.Event) -> dict[str, str]:
    tried: list[str] = []

    def inputs() -> Iterator[str]:
        while not are_known.is_set():
            time.sleep(0.05)
            tried.append(HARMLESS)
            yield HARMLESS
        for attack in attacks:
            tried.extend((attack, HARMLESS))  # a job fails after six sandboxes that die in a row
            yield from (attack, HARMLESS)

    job = dcp.compute_for(inputs(), NATIVE)
    runs = threading.Event()
    job.on("result", lambda event: runs.is_set() or print("runs", flush=True) or runs.set())
    results = job.cluster_exec(sandboxes_per_node=1, retries=0)
    return {tried[index]: getattr(value, "message", value) for index, value in results.items(errors="yield")}


def main() -> None:
    attacks: list[str] = []
    are_known = threading.Event()

    def listen() -> None:
        attacks.extend(json.loads(sys.stdin.readline()))
        are_known.set()

    threading.Thread(target=listen, daemon=True).start()
    native = in_native_code(attacks, are_known)
    python = dcp.compute_for(attacks, in_python).cluster_exec().values()
    (javascript,) = dcp.compute_for([0], JAVASCRIPT).cluster_exec()
    print(json.dumps([native, dict(zip(attacks, python, strict=True)), javascript]))


if __name__ == "__main__":
    main()
