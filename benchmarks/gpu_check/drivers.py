"""Whether drivers find their devices: without the seal, inside it, each alone; and which part of the seal refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dcp_evaluator.gpu.environment import host_environment

from .host import LOADER_LOG, SEAL, Answer, ask_host, run
from .step import DoesNotApplyError, Outcome, Settings, StepFailedError, names, wrapped

_WGPU = """
import json, wgpu
found = [dict(adapter.info) for adapter in wgpu.gpu.enumerate_adapters_sync()]
for info in found:
    info |= {"type": info["adapter_type"].lower(), "backend": info["backend_type"].lower()}
print(json.dumps(found))
"""
_IDLE_SECONDS = 15.0
_SLOW_SECONDS = 1.0
_AUDIT = re.compile(r"audit\(\S+\): .*comm=(\S+) .*(sig=\d+) .*(syscall=\d+) .*")
_FILE = re.compile(r"file: (.+) \((.+)\)")
_EGL = "libEGL_nvidia.so.0"
_KERNEL_SAYS = re.compile(
    r"type=(1326|1423).*dcp-gpu-host|NVRM|Xid|amdgpu.*(error|reset|timeout)|(i915|xe) .*(hang|reset)"
)


def first_host(settings: Settings) -> Outcome:
    """Runs first of all, while no driver is loaded: how long a host takes to list the adapters."""
    idle = 0.5 if settings.quick else _IDLE_SECONDS
    first, second = _timed(), _timed()
    time.sleep(idle)
    after = _timed()
    data = {"first": first, "second": second, "idle": idle, "after_idle": after}
    lines = [
        f"adapters listed by the first host in {first:.2f} s, the second {second:.2f} s, after {idle:g} s {after:.2f} s"
    ]
    if after > second + _SLOW_SECONDS:
        lines.append("the driver shuts the GPU down in between: enable nvidia-persistenced, where it is an NVIDIA GPU")
    return Outcome(lines, data)


def unsealed(settings: Settings) -> Outcome:
    """The truth about the drivers: the same library in wgpu-py, and our host without any layer."""
    del settings
    environment = {**host_environment(), **LOADER_LOG, "XDG_RUNTIME_DIR": "/nonexistent"}
    output, answer = run([sys.executable, "-c", _WGPU], environment)
    try:
        seen = list(json.loads(output))
    except ValueError:
        seen = []
    ours = ask_host("--list", "--without", ",".join(SEAL), environment=LOADER_LOG)
    data = {
        "wgpu": seen, "wgpu_error": answer.error, "wgpu_log": answer.said,
        "adapters": ours.adapters, "error": ours.error, "log": ours.said,
    }  # fmt: skip
    lines = [*wrapped("wgpu-py finds        ", names(seen)), *wrapped("a host without seal  ", names(ours.adapters))]
    if answer.error:
        lines.append(f"wgpu-py ended: {answer.error}")
    if ours.error or not ours.adapters:
        why = f"the host ended: {ours.error}" if ours.error else "there is no Vulkan adapter"
        lines += _complaints(ours)
        raise StepFailedError(f"{why}, without the seal too: the driver is missing or broken", Outcome(lines, data))
    return Outcome(lines, data)


def sealed(settings: Settings) -> Outcome:
    """What sandboxes get, with a shader on each adapter; it should be what there is without the seal."""
    listed = ask_host("--list", environment=LOADER_LOG)
    probed = ask_host("--probe", environment={"VK_LOADER_DEBUG": "error"})
    data = {
        "adapters": listed.adapters, "error": listed.error, "log": listed.said,
        "probe": probed.adapters, "probe_error": probed.error, "probe_log": probed.said,
    }  # fmt: skip
    lines = list(wrapped("a sealed host finds  ", names(listed.adapters)))
    shader = [
        f"{name}: {'right' if adapter['compute']['ok'] else adapter['compute']['error']}"
        for name, adapter in zip(names(probed.adapters), probed.adapters, strict=True)
    ]
    lines += wrapped("a shader's result    ", shader)
    problems = [
        f"{what} ended: {error}" for what, error in (("--list", listed.error), ("--probe", probed.error)) if error
    ]
    missing = _missing(settings.found("unsealed").get("adapters", []), listed.adapters)
    problems += [f"{name} is there without the seal, and not inside of it" for name in missing]
    offered = [adapter for adapter in probed.adapters if adapter.get("backend") == "vulkan"]
    problems += [f"{a['device']} computes: {a['compute']['error']}" for a in offered if not a["compute"]["ok"]]
    if not listed.adapters and not problems:
        problems.append("there is no adapter")
    if problems:
        raise StepFailedError("; ".join(problems), Outcome([*lines, *_complaints(listed)], data))
    return Outcome(lines, data)


def each_driver(settings: Settings) -> Outcome:
    """Each driver alone, as the Vulkan loader takes it from its manifest, without the seal and inside."""
    manifests = [each["file"] for each in settings.found("facts").get("manifests", [])]
    manifests += _egl_manifest(settings)
    if not manifests:
        raise DoesNotApplyError("no folder of the Vulkan loader has a driver")

    def alone(manifest: str) -> dict[str, Any]:
        choice = {"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest}
        open_, closed = (
            ask_host("--list", "--without", ",".join(SEAL), environment=choice),
            ask_host("--list", environment=choice),
        )
        return {"manifest": manifest, "unsealed": _short(open_), "sealed": _short(closed)}

    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(alone, manifests))
    lines = [f"{each['manifest']}: without seal {each['unsealed']}; sealed {each['sealed']}" for each in found]
    return Outcome(lines, {"drivers": found})


def which_layer(settings: Settings) -> Outcome:
    """With each layer off in turn: the one that finds more names the layer that refuses something."""
    whole = ask_host("--list").adapters
    found = {layer: ask_host("--list", "--without", layer) for layer in SEAL}
    data = {"sealed": names(whole), "without": {layer: _short(answer) for layer, answer in found.items()}}
    lines = [f"without {layer:<9} {_short(answer)}" for layer, answer in found.items()]
    guilty = [layer for layer, answer in found.items() if _missing(answer.adapters, whole)]
    if guilty:
        raise StepFailedError(
            f"the seal keeps adapters away; they are there without {' or '.join(guilty)}", Outcome(lines, data)
        )
    if _missing(settings.found("unsealed").get("adapters", []), whole):
        raise StepFailedError("the seal keeps adapters away, by more than one layer", Outcome(lines, data))
    return Outcome([*lines, "no layer keeps an adapter away"], data)


def which_call(settings: Settings) -> Outcome:
    """The system calls that were refused to the drivers, and the files that are there and could not be opened."""
    del settings
    answer = ask_host("--probe", "--show-refusals")
    said = list(dict.fromkeys(answer.said))
    calls = [line.removeprefix("refused: ") for line in said if line.startswith("refused: ")]
    found = [_FILE.fullmatch(line) for line in said]
    closed = [f"{file[1]} ({file[2]})" for file in found if file and Path(file[1]).exists()]
    lines = [
        *wrapped("system calls refused ", calls),
        *wrapped("files kept away      ", closed),
        "drivers survive most of these: they matter where an adapter is missing or a result is wrong",
    ]
    data = {"calls": calls, "files": closed, "said": said, "error": answer.error}
    if answer.error:
        raise StepFailedError(f"the host ended: {answer.error}", Outcome(lines, data))
    return Outcome(lines, data)


def kernel_log(settings: Settings) -> Outcome:
    """What the kernel wrote about GPUs and killed hosts since the facts were taken."""
    since = settings.found("facts").get("uptime", 0.0)
    try:
        done = subprocess.run(["dmesg"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DoesNotApplyError(f"dmesg gives nothing ({type(error).__name__})") from None
    if done.returncode != 0:
        raise DoesNotApplyError(
            "the kernel's log is not for this user: sudo dmesg, and look for Xid, NVRM, amdgpu, i915"
        )
    lines = [_AUDIT.sub(r"\1 ended by \2, \3", line) for line in done.stdout.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if _KERNEL_SAYS.search(line) and _uptime(line) >= min(since, time.monotonic())]
    told = Counter(line.partition("] ")[2] for line in lines)
    shown = [f"{line}, {count} times" if count > 1 else line for line, count in told.most_common(12)]
    shown += ["the probe's own trials of the filter are among these"] if any("1326" in line for line in shown) else []
    return Outcome(shown or ["nothing about GPUs, and no host that the filter ended"], {"lines": lines})


def _uptime(line: str) -> float:
    found = re.match(r"\[\s*([\d.]+)\]", line)
    return float(found[1]) if found else 0.0


def _timed() -> float:
    begun = time.perf_counter()
    answer = ask_host("--list")
    if answer.error:
        raise StepFailedError(f"a host ended: {answer.error}", Outcome(_complaints(answer)))
    return time.perf_counter() - begun


def _missing(wanted: list[dict[str, Any]], there: list[dict[str, Any]]) -> list[str]:
    left = Counter(names(wanted))
    left.subtract(names(there))
    return [name for name, count in left.items() if count > 0]


def _short(answer: Answer) -> str:
    found = ", ".join(names(answer.adapters)) or "no adapter"
    return f"{found} ({answer.error})" if answer.error else found


def _complaints(answer: Answer) -> list[str]:
    """What the loader found wrong, without what it tells anyway."""
    lines = [line for line in answer.said if not re.match(r"(DEBUG|INFO)\b", line)]
    return [f"loader: {line}" for line in lines[-8:]]


def _egl_manifest(settings: Settings) -> list[str]:
    """NVIDIA's other library, where the first one gives no adapter: on machines without X only this one may work."""
    found = settings.found("facts")
    if not found.get("libraries", {}).get("EGL_nvidia") or any(
        "nvidia" in adapter["device"].lower() for adapter in settings.found("unsealed").get("adapters", [])
    ):
        return []
    file = settings.folder / "nvidia_egl_icd.json"
    described = {"library_path": _EGL, "api_version": "1.3.0"}
    file.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": described}), encoding="utf-8")
    return [str(Path(file).resolve())]
