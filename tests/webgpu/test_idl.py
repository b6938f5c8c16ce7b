"""Everything that webgpu.idl declares is there, and looks as WebIDL says it does."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from dcp_evaluator.settings import installation
from gpu_script import run

sys.path.insert(0, str(Path(__file__).parents[2] / "native" / "codegen"))

from webgpu import idl

# Facts about each interface, as JSON.
LOOK = Path(__file__).with_name("js").joinpath("idl.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def declared() -> idl.Idl:
    return idl.parse((Path(installation.wgpu_library()).parent / "webgpu.idl").read_text())


@pytest.fixture(scope="module")
def found(declared: idl.Idl, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    wanted = {name: members(i) for name, i in declared.interfaces.items() if i.kind != "mixin"}
    script = f"const WANTED = {json.dumps(wanted)};{LOOK}"
    return run(tmp_path_factory.mktemp("idl"), script)


def members(interface: idl.Interface) -> list[str]:
    names = [*(a.name for a in interface.attributes), *(o.name for o in interface.operations), *interface.constants]
    setlike = ["size", "has", "forEach", "entries", "keys", "values"] if interface.setlike else []
    return [*dict.fromkeys(names), *setlike]


def own_interfaces(declared: idl.Idl) -> list[idl.Interface]:
    return [i for i in declared.interfaces.values() if i.kind == "interface"]


def test_the_parser_sees_the_whole_file(declared: idl.Idl) -> None:
    text = (Path(installation.wgpu_library()).parent / "webgpu.idl").read_text()
    names = set(re.findall(r"^(?:partial )?interface (?!mixin)(\w+)", text, re.M))
    assert {i.name for i in own_interfaces(declared)} == names
    assert len(names) > 30


def test_interfaces_are_globals_with_their_tag_and_base(declared: idl.Idl, found: dict[str, Any]) -> None:
    for interface in own_interfaces(declared):
        is_ = found[interface.name]
        assert is_["global"] is not None, interface.name
        # WebIDL, 3.7: an interface is a writable, configurable property that no loop sees.
        assert (is_["global"]["writable"], is_["global"]["enumerable"], is_["global"]["configurable"]) == (
            True,
            False,
            True,
        )
        assert is_["tag"] == f"[object {interface.name}]"
        assert is_["base"] == (interface.base or "Object"), interface.name
        assert is_["classBase"] == (interface.base or ""), interface.name
        assert is_["global"]["constructible"] == "TypeError", interface.name  # none, or an argument is missing
        arguments = interface.constructor or ()
        assert is_["global"]["length"] == sum(not a.optional for a in arguments[:1]) + sum(
            not a.optional for a in arguments[1:] if not arguments[0].optional
        )


def test_nothing_else_is_there(declared: idl.Idl, found: dict[str, Any]) -> None:
    for interface in own_interfaces(declared):
        assert set(found[interface.name]["own"]) == {"constructor", *members(interface)}, interface.name


def test_operations(declared: idl.Idl, found: dict[str, Any]) -> None:
    count = 0
    for interface in own_interfaces(declared):
        for operation in interface.operations:
            overloads = [o for o in interface.operations if o.name == operation.name]
            is_ = found[interface.name]["members"][operation.name]
            where = f"{interface.name}.{operation.name}"
            assert is_ is not None, where
            assert (is_["value"], is_["name"]) == ("function", operation.name), where
            assert is_["writable"] and is_["enumerable"] and is_["configurable"], where
            assert is_["length"] == min(sum(not a.optional for a in o.arguments) for o in overloads), where
            assert is_["constructible"] == "TypeError", where
            assert is_["refuses"] == ("rejects" if operation.type.name == "Promise" else "TypeError"), where
            count += 1
    assert count > 80


def test_attributes(declared: idl.Idl, found: dict[str, Any]) -> None:
    count = 0
    for interface in own_interfaces(declared):
        for attribute in interface.attributes:
            is_ = found[interface.name]["members"][attribute.name]
            where = f"{interface.name}.{attribute.name}"
            assert is_ is not None, where
            assert is_["enumerable"] and is_["configurable"], where
            assert is_["get"] == [f"get {attribute.name}", 0], where
            assert is_.get("set") == (None if attribute.readonly else [f"set {attribute.name}", 1]), where
            assert is_["refuses"] == ("rejects" if attribute.type.name == "Promise" else "TypeError"), where
            count += 1
    assert count >= 100


def test_namespaces_and_sets(declared: idl.Idl, found: dict[str, Any]) -> None:
    for interface in declared.interfaces.values():
        if interface.kind == "namespace":
            assert found[interface.name]["tag"] == f"[object {interface.name}]"
            for name, value in interface.constants.items():
                is_ = found[interface.name]["statics"][name]
                assert (is_["value"], is_["writable"], is_["enumerable"], is_["configurable"]) == (
                    value,
                    False,
                    True,
                    False,
                )
        if interface.setlike:
            methods = found[interface.name]["members"]
            assert methods["size"]["get"] == ["get size", 0]
            assert methods["has"]["length"] == methods["forEach"]["length"] == 1
            assert all(methods[name]["enumerable"] for name in ("has", "forEach", "entries", "keys", "values"))


def test_every_value_of_an_enum_is_converted(declared: idl.Idl, tmp_path: Path) -> None:
    """All values are taken where a dictionary has them; another one is a TypeError."""
    places = {
        "GPUTextureFormat": "(v) => device.createTexture({ size: [1], format: v, usage: 4 })",
        "GPUVertexFormat": "(v) => painter(device, { vertex: { buffers: [{ arrayStride: 16, attributes: "
        "[{ format: v, offset: 0, shaderLocation: 0 }] }] } })",
        "GPUBlendFactor": "(v) => painter(device, { fragment: { targets: [{ format: 'rgba8unorm', "
        "blend: { color: { srcFactor: v }, alpha: {} } }] } })",
        "GPUBlendOperation": "(v) => painter(device, { fragment: { targets: [{ format: 'rgba8unorm', "
        "blend: { color: { operation: v, dstFactor: 'one' }, alpha: {} } }] } })",
        "GPUCompareFunction": "(v) => device.createSampler({ compare: v })",
        "GPUStencilOperation": "(v) => painter(device, { depthStencil: { format: 'stencil8', "
        "stencilFront: { failOp: v, passOp: v, depthFailOp: v } } })",
        "GPUAddressMode": "(v) => device.createSampler({ addressModeU: v, addressModeV: v, addressModeW: v })",
        "GPUPrimitiveTopology": "(v) => painter(device, { primitive: { topology: v } })",
        "GPUTextureViewDimension": "(v) => canvas(device).createView({ dimension: v })",
        "GPUTextureSampleType": "(v) => device.createBindGroupLayout({ entries: "
        "[{ binding: 0, visibility: 4, texture: { sampleType: v } }] })",
        "GPUStorageTextureAccess": "(v) => device.createBindGroupLayout({ entries: "
        "[{ binding: 0, visibility: 4, storageTexture: { access: v, format: 'r32float' } }] })",
        "GPUFeatureName": "(v) => adapter.requestDevice({ requiredFeatures: [v] }).catch((e) => { error = e; })",
    }
    steps = "".join(f"{name}: [{json.dumps(declared.enums[name])}, {code}]," for name, code in places.items())
    found = run(
        tmp_path,
        f"""
        const adapter = await navigator.gpu.requestAdapter(), other = await navigator.gpu.requestAdapter();
        const device = await other.requestDevice({{ requiredFeatures: [...other.features] }});
        let lost = null, error = null;
        device.lost.then((info) => {{ lost = info.message; }});
        const needFeature = (message) => message.includes("needs the feature");
        results.refused = [];
        results.other = [];
        const places = {{ {steps} }};
        for (const name in places) {{
          const [values, make] = places[name];
          for (const value of values) {{
            device.pushErrorScope("validation");
            try {{ make(value); }} catch (e) {{ if (!needFeature(e.message)) results.refused.push([name, value,
              e.message]); }}
            await device.popErrorScope();
            if (lost !== null) {{ results.lost = [name, value, lost]; return; }}
          }}
          if (name === "GPUFeatureName") continue;
          if (thrown(() => make("nonsense")) !== "TypeError") results.other.push(name);
        }}
        """,
    )
    assert found.get("lost") is None
    assert found["refused"] == []
    assert found["other"] == []
