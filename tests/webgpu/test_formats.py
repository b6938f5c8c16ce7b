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


def test_copies_are_aligned(tmp_path: Path) -> None:
    """Offsets and sizes of buffers by 4 bytes, rows by 256, offsets of texels by their size (sections 13.3 to 13.5)."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const both = U.COPY_SRC | U.COPY_DST;
        const buffer = device.createBuffer({ size: 4096, usage: both });
        const other = device.createBuffer({ size: 4096, usage: both });
        const source = device.createBuffer({ size: 64, usage: U.COPY_SRC });
        const target = device.createBuffer({ size: 64, usage: U.COPY_DST });
        const texture = (format, extra) =>
          device.createTexture({ size: [4, 4], format, usage: T.COPY_SRC | T.COPY_DST, ...extra });
        const encoded = (record) => () => { const encoder = device.createCommandEncoder(); record(encoder);
          encoder.finish(); };
        const copy = (...args) => encoded((e) => e.copyBufferToBuffer(...args));
        const out = (layout, size = [4, 4], of = texture("rg32uint")) =>
          encoded((e) => e.copyTextureToBuffer({ texture: of }, { buffer, ...layout }, size));
        const image = (from, to, size) => encoded((e) => e.copyTextureToTexture(from, to, size));
        const clear = (...args) => encoded((e) => e.clearBuffer(...args));
        results.right = await errors(device, {
          copy: copy(buffer, 4, other, 8, 12), nothing: copy(buffer, 4096, other, 4096, 0), whole: copy(buffer, other),
          out: out({ bytesPerRow: 256, offset: 8 }), oneRow: out({}, [4, 1]),
          rows: out({ bytesPerRow: 256, rowsPerImage: 9 }),
          clear: clear(buffer, 4, 8), clearAll: clear(buffer), clearNothing: clear(buffer, 4096, 0),
          srgb: image({ texture: texture("rgba8unorm") }, { texture: texture("rgba8unorm-srgb") }, [4, 4]),
        });
        results.wrong = await errors(device, {
          from: copy(buffer, 2, other, 0, 4), to: copy(buffer, 0, other, 2, 4), size: copy(buffer, 0, other, 0, 6),
          behind: copy(buffer, 4092, other, 0, 8), itself: copy(buffer, 0, buffer, 8, 4),
          usage: copy(target, 0, buffer, 0, 4), targetUsage: copy(buffer, 0, source, 0, 4),
          huge: copy(buffer, 0, other, 0, 2 ** 53 - 4), row: out({ bytesPerRow: 128 }), texel: out({ bytesPerRow: 256,
            offset: 4 }), noRow: out({}), fewRows: out({ bytesPerRow: 256, rowsPerImage: 3 }),
          behindTexels: out({ bytesPerRow: 1024, offset: 1024 }), clearOffset: clear(buffer, 2, 4),
          clearSize: clear(buffer, 0, 2), clearBehind: clear(buffer, 4096, 4), clearUsage: clear(source),
          samples: image({ texture: texture("rgba8unorm") }, { texture: texture("rgba8unorm",
            { sampleCount: 4, usage: T.COPY_DST | T.RENDER_ATTACHMENT }) }, [4, 4]),
          format: image({ texture: texture("rgba8unorm") }, { texture: texture("rgba8uint") }, [4, 4]),
          outside: image({ texture: texture("r8unorm"), origin: [1, 0] }, { texture: texture("r8unorm") }, [4, 4]),
        });
        """,
    )
    assert found["right"] == dict.fromkeys(found["right"])
    assert [name for name, error in found["wrong"].items() if not (error or "").startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 20
    assert found["stderr"] == ""
