"""The report of deviations that the build writes beside the generated files."""

from __future__ import annotations

from . import policy
from .model import Model
from .server import ServerWriter


def write(model: Model, server: ServerWriter) -> str:
    """Markdown: what is generated, what is written by hand, and where the result differs from the IDL."""
    idl = model.idl
    interfaces = [i for i in idl.interfaces.values() if i.kind == "interface"]
    lines = [
        "# WebGPU code generation report",
        "",
        f"- In the IDL: {len(interfaces)} interfaces, {len(idl.dictionaries)} dictionaries, {len(idl.enums)} enums.",
        f"- Commands: {len(model.commands)} generated, {len(model.hand_commands)} carried out by hand.",
        "",
        "## Operations that need a screen",
        *(f"- {key}: no argument satisfies its types" for key in policy.WITHOUT_A_SCREEN),
        "",
        "## Deviations from the IDL",
        *(f"- {text}" for text in sorted(set(server.deviations))),
        "- label: setting it later is not told to the host (wgpu-native panics on every SetLabel)",
        "- GPUShaderModule.getCompilationInfo: made of the creation error (wgpu-native panics on its own)",
        "- GPUQuerySet.destroy: the host only marks it (wgpu-native would free it twice)",
        "- feature core-features-and-limits: always present, never asked of wgpu-native",
        *(f"- {target} includes {mixin}: written by hand" for target, mixin in idl.external_includes),
    ]
    return "\n".join(lines) + "\n"
