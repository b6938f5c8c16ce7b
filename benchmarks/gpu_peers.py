"""Programs with WebGPU that ours is compared with. All run the programs of gpu_programs.py."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from dcp_evaluator.settings.installation import wgpu_library
from node import run_node
from npm_packages import installed
from peers import Inputs, Peer, PeerError, answer, deno, finished, folder, program, run_in_file

_HERE = Path(__file__).parent
_NATIVE = _HERE.parent / "build" / "package" / "run_program_native"

NATIVE = "wgpu-native from C++"


def gpu_peers() -> dict[str, Peer]:
    """Those that are installed here, by name. wgpu-native without a sandbox comes first: it is the limit."""
    found: dict[str, Peer] = {NATIVE: _native, "wgpu-py": _wgpu_py}
    if installed("deno"):
        found["Deno"] = deno
    if has_dawn():
        found["Node + Dawn"] = _dawn
    return found


def has_dawn() -> bool:
    return installed("dawn") is not None


def _dawn(script: str, inputs: Inputs) -> dict[str, Any]:
    """Node with the WebGPU of npm's ``webgpu``. Raises PeerError with Dawn's reason where it refuses the adapter."""
    before = f"""
      const {{ create, globals }} = require({json.dumps(str(folder("dawn") / "webgpu"))});
      Object.assign(globalThis, globals);
      Object.defineProperty(globalThis, "navigator", {{ value: {{ gpu: create([]) }} }});
      navigator.gpu.requestAdapter().then((adapter) => {{ if (!adapter) process.exit(1); }});
    """
    after = ".finally(() => process.exit())"  # its threads would go on
    return run_in_file(run_node, before + program(script, inputs, after))


def _wgpu_py(script: str, inputs: Inputs) -> dict[str, Any]:
    """``script`` is for JavaScript; run_program_wgpu.py does the same."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        _write_data(made, inputs)
        texts = {key: value for key, value in inputs.items() if not isinstance(value, bytes)}
        (made / "inputs.json").write_text(json.dumps(texts), encoding="utf-8")
        return answer(finished([sys.executable, _HERE / "run_program_wgpu.py", made]))


def _native(script: str, inputs: Inputs) -> dict[str, Any]:
    """As run_program_native.cpp does it."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        _write_data(made, inputs)
        (made / "program.txt").write_text(_words(made, inputs), encoding="utf-8")
        return answer(finished([_NATIVE, wgpu_library(), made]))


def _write_data(made: Path, inputs: Inputs) -> None:
    for name, value in inputs.items():
        if isinstance(value, bytes):
            (made / name).write_bytes(value)


def _words(made: Path, inputs: Inputs) -> str:
    """The program for run_program_native.cpp, which says what each word is; writes its shaders."""
    described = json.loads(str(inputs["program"]))
    words = [inputs["measure"], inputs["rounds"], len(described["buffers"])]
    for buffer in described["buffers"]:
        words += [buffer["size"], buffer["data"] or "-"]
    words.append(len(described["dispatches"]))
    for index, dispatch in enumerate(described["dispatches"]):
        (made / f"shader{index}").write_text(dispatch["code"], encoding="utf-8")
        words += [f"shader{index}", len(dispatch["buffers"]), *dispatch["buffers"], len(dispatch["constants"])]
        words += [word for constant in dispatch["constants"].items() for word in constant]
        words += dispatch["groups"]
    result = described["result"]
    words += [result["buffer"], result["size"], result["type"]]
    return " ".join(map(str, words))


def refusal(peer: Peer, script: str, inputs: Inputs) -> str | None:
    """Why a peer does not run a program on this machine's adapter; None where it does."""
    try:
        value = peer(script, inputs)["value"]
    except PeerError as error:
        warnings = [line for line in str(error).splitlines() if line.startswith("Warning: ")]
        return (warnings or [str(error).strip() or "no reason given"])[0].removeprefix("Warning: ")
    return "it finds no adapter" if value == "no adapter" else None
