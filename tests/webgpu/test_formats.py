"""Copies of texels, format by format (section 26.1, texture format capabilities), and how copies must be aligned."""

from __future__ import annotations

import json
from pathlib import Path

from gpu_script import run

_PLAIN = {
    1: "r8unorm r8snorm r8uint r8sint",
    2: "r16uint r16sint r16float rg8unorm rg8snorm rg8uint rg8sint",
    4: "r32uint r32sint r32float rg16uint rg16sint rg16float rgba8unorm rgba8unorm-srgb rgba8snorm rgba8uint rgba8sint "
    "bgra8unorm bgra8unorm-srgb rgb9e5ufloat rgb10a2uint rgb10a2unorm rg11b10ufloat",
    8: "rg32uint rg32sint rg32float rgba16uint rgba16sint rgba16float",
    16: "rgba32uint rgba32sint rgba32float",
}
"""Formats of one texel a block, by the bytes of it."""
_BC = {8: "bc1-rgba-unorm bc1-rgba-unorm-srgb bc4-r-unorm bc4-r-snorm",
       16: "bc2-rgba-unorm bc2-rgba-unorm-srgb bc3-rgba-unorm bc3-rgba-unorm-srgb bc5-rg-unorm bc5-rg-snorm "
       "bc6h-rgb-ufloat bc6h-rgb-float bc7-rgba-unorm bc7-rgba-unorm-srgb"}  # fmt: skip
"""Formats of 4 x 4 texels a block."""


def _table(formats: dict[int, str]) -> str:
    return json.dumps([[name, size] for size, names in formats.items() for name in names.split()])


_COPIES = """
const features = (await navigator.gpu.requestAdapter()).features.has("texture-compression-bc")
  ? ["texture-compression-bc"] : [];
const device = await newDevice({ requiredFeatures: features });
// Through a texture and a second one, back to the bytes that were written: by the queue, or from a buffer.
async function roundTrip(format, block, size, byQueue, extra = {}, aspect = "all") {
  const width = 4 * size, height = 3 * size, layers = 2;
  const usage = T.COPY_SRC | T.COPY_DST;
  const make = () => device.createTexture({ size: [width, height, layers], format, usage, ...extra });
  const [first, second] = [make(), make()];
  const bytes = Uint8Array.from({ length: 256 * 3 * layers }, (_, i) => (i % 256 < 4 * block ? i * 37 + 11 & 0x3B : 0));
  const layout = { bytesPerRow: 256, rowsPerImage: 3 };
  const source = device.createBuffer({ size: bytes.length, usage: U.COPY_SRC | U.COPY_DST });
  const target = device.createBuffer({ size: bytes.length, usage: U.COPY_DST | U.MAP_READ });
  const encoder = device.createCommandEncoder();
  if (byQueue) {
    device.queue.writeTexture({ texture: first, aspect }, bytes, layout, [width, height, layers]);
  } else {
    device.queue.writeBuffer(source, 0, bytes);
    encoder.copyBufferToTexture({ buffer: source, ...layout }, { texture: first, aspect }, [width, height, layers]);
  }
  encoder.copyTextureToTexture({ texture: first }, { texture: second }, [width, height, layers]);
  encoder.copyTextureToBuffer({ texture: second, aspect }, { buffer: target, ...layout }, [width, height, layers]);
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(GPUMapMode.READ);
  const back = new Uint8Array(target.getMappedRange());
  const different = bytes.findIndex((byte, i) => byte !== back[i]);
  first.destroy(); second.destroy(); source.destroy(); target.destroy();
  return different < 0 ? "same" : `byte ${different}`;
}
"""


def test_texels_of_every_format_are_copied_as_they_are(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        _COPIES
        + f"""
        results.copies = {{}};
        results.error = await (async () => {{
          device.pushErrorScope("validation");
          for (const [formats, size] of [[{_table(_PLAIN)}, 1], [features.length ? {_table(_BC)} : [], 4]]) {{
            for (const [format, block] of formats) {{
              results.copies[format] = [];
              for (const byQueue of [true, false]) {{
                results.copies[format].push(await roundTrip(format, block, size, byQueue));
              }}
            }}
          }}
          results.copies.volume = [await roundTrip("rgba8unorm", 4, 1, true, {{ dimension: "3d" }})];
          return (await device.popErrorScope())?.message ?? null;
        }})();
        """,
    )
    assert found["error"] is None
    assert {name: how for name, how in found["copies"].items() if set(how) != {"same"}} == {}
    assert len(found["copies"]) >= 1 + sum(len(names.split()) for names in _PLAIN.values())


def test_depth_and_stencil_are_copied_where_the_format_allows_it(tmp_path: Path) -> None:
    """Depth of 16 bits and stencil both ways, depth of 32 bits out only, the others not at all (section 26.1.2)."""
    found = run(
        tmp_path,
        _COPIES
        + """
        results.both = [
          await roundTrip("depth16unorm", 2, 1, false, {}, "depth-only"), await roundTrip("stencil8", 1, 1, true),
          await roundTrip("stencil8", 1, 1, false, {}, "stencil-only"),
          await roundTrip("depth24plus-stencil8", 1, 1, true, {}, "stencil-only"),
        ];
        const buffer = device.createBuffer({ size: 4096, usage: U.COPY_SRC | U.COPY_DST });
        const one = (format) => device.createTexture({ size: [4, 4], format, usage: T.COPY_SRC | T.COPY_DST });
        const layout = { buffer, bytesPerRow: 256 };
        const encoded = (record) => () => { const encoder = device.createCommandEncoder(); record(encoder);
          encoder.finish(); };
        const into = (format, aspect, size = [4, 4]) =>
          encoded((e) => e.copyBufferToTexture(layout, { texture: one(format), aspect }, size));
        const out = (format, aspect, size = [4, 4]) =>
          encoded((e) => e.copyTextureToBuffer({ texture: one(format), aspect }, layout, size));
        results.right = await errors(device, {
          out32: out("depth32float", "depth-only"), out16: out("depth16unorm", "all"),
          stencil: out("depth24plus-stencil8", "stencil-only"),
        });
        results.wrong = await errors(device, {
          into32: into("depth32float", "depth-only"), into24: into("depth24plus", "depth-only"),
          out24: out("depth24plus", "depth-only"), all: out("depth24plus-stencil8", "all"),
          part: into("depth16unorm", "depth-only", [2, 2]), partOut: out("depth32float", "depth-only", [4, 2]),
          colour: out("rgba8unorm", "depth-only"),
          write: () => device.queue.writeTexture({ texture: one("depth32float"), aspect: "depth-only" },
            new Float32Array(16), { bytesPerRow: 16 }, [4, 4]),
        });
        """,
    )
    assert found["both"] == ["same"] * 4
    assert found["right"] == dict.fromkeys(found["right"])
    assert [name for name, error in found["wrong"].items() if not (error or "").startswith("GPUValidationError")] == []


def test_copies_are_aligned(tmp_path: Path, script: str) -> None:
    """Offsets and sizes of buffers by 4 bytes, rows by 256, offsets of texels by their size (sections 13.3 to 13.5)."""
    found = run(
        tmp_path,
        script,
    )
    assert found["right"] == dict.fromkeys(found["right"])
    assert [name for name, error in found["wrong"].items() if not (error or "").startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 20
    assert found["stderr"] == ""
