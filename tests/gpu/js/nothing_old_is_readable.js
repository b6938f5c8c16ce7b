// Each case makes something that nothing has written, or not all of it, and reads it in one way. Before each, memory of
// the same kinds and sizes was full of something else. `results.old` has the cases that found other bytes than zeros.
const OLD = 0x5EC2E7A5;
const SIDE = 64, BYTES = SIDE * SIDE * 4;
const device = await newDevice({ requiredFeatures: ["timestamp-query", "depth32float-stencil8"] });
const submit = (record) => {
  const encoder = device.createCommandEncoder();
  record(encoder);
  device.queue.submit([encoder.finish()]);
};
const bufferOf = (usage, size = BYTES, extra = {}) => device.createBuffer({ size, usage, ...extra });
const textureOf = (format, usage, extra = {}) => device.createTexture({ size: [SIDE, SIDE], format, usage, ...extra });

async function bytesOf(buffer, size = buffer.size) {
  const back = bufferOf(U.MAP_READ | U.COPY_DST, size);
  submit((encoder) => encoder.copyBufferToBuffer(buffer, 0, back, 0, size));
  return mapped(back);
}
async function mapped(buffer, mode = GPUMapMode.READ) {
  await buffer.mapAsync(mode);
  const bytes = new Uint8Array(buffer.getMappedRange()).slice();
  buffer.destroy();
  return bytes;
}
/** The texels of a part of a texture, without what stands between rows. */
async function texelsOf(texture, texel, { mipLevel = 0, z = 0, aspect = "all" } = {}) {
  const width = Math.max(1, texture.width >> mipLevel);
  const height = texture.dimension === "1d" ? 1 : Math.max(1, texture.height >> mipLevel);
  const bytesPerRow = Math.ceil(width * texel / 256) * 256;
  const buffer = bufferOf(U.COPY_DST | U.COPY_SRC, bytesPerRow * height);
  submit((encoder) => encoder.copyTextureToBuffer({ texture, mipLevel, origin: [0, 0, z], aspect },
    { buffer, bytesPerRow }, [width, height]));
  return bytesOf(buffer);  // what stands between rows is to be zero too
}

const computing = (code, entries, groups = [SIDE * SIDE / 64], layout = "auto") => {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout, compute: { module } });
  submit((encoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    if (entries.length > 0) {
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0),
        entries: entries.map((resource, binding) => ({ binding, resource })) }));
    }
    pass.dispatchWorkgroups(...groups);
    pass.end();
  });
};
/** What a shader reads: `value` is of type u32, item `i` of so many. */
async function readByShader(declarations, value, resources) {
  const out = bufferOf(U.STORAGE | U.COPY_SRC);
  computing(`@group(0) @binding(0) var<storage, read_write> out: array<u32>; ${declarations}
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      let i = id.x;
      out[i] = ${value}; }`,
    [{ buffer: out }, ...resources]);
  return bytesOf(out);
}

// Memory of before: buffers and textures of the sizes that the cases use, and what the host and the driver stage.
async function leaveOldMemory() {
  const words = new Uint32Array(BYTES / 4).fill(OLD), old = [];
  for (let i = 0; i < 3; i++) {
    for (const usage of [U.MAP_READ, U.STORAGE, U.VERTEX | U.INDEX | U.INDIRECT].map((usage) => usage | U.COPY_DST)) {
      old.push(bufferOf(usage), bufferOf(usage, 1024));
      for (const buffer of old.slice(-2)) device.queue.writeBuffer(buffer, 0, words, 0, buffer.size / 4);
    }
    const write = bufferOf(U.MAP_WRITE | U.COPY_SRC, BYTES, { mappedAtCreation: true });
    new Uint32Array(write.getMappedRange()).set(words);
    write.unmap();
    old.push(write);
    const formats = [["rgba8unorm", T.RENDER_ATTACHMENT], ["r32uint", T.STORAGE_BINDING], ["r8uint", 0]];
    for (const [format, usage] of formats) {
      const texture = textureOf(format, T.COPY_DST | usage);
      const texel = format === "r8uint" ? 1 : 4;
      device.queue.writeTexture({ texture }, words, { bytesPerRow: SIDE * texel }, [SIDE, SIDE]);
      old.push(texture);
    }
    const volume = textureOf("rgba8unorm", T.COPY_DST, { size: [32, 32, 4], dimension: "3d" });
    device.queue.writeTexture({ texture: volume }, words, { bytesPerRow: 128, rowsPerImage: 32 }, [32, 32, 4]);
    const several = textureOf("rgba8unorm", T.RENDER_ATTACHMENT, { sampleCount: 4 });
    const depth = textureOf("depth32float-stencil8", T.RENDER_ATTACHMENT);
    const plain = textureOf("depth24plus-stencil8", T.RENDER_ATTACHMENT, { sampleCount: 4 });
    old.push(volume, several, depth, plain);
    submit((encoder) => {
      const clears = { depthLoadOp: "clear", depthStoreOp: "store", depthClearValue: 0.7, stencilLoadOp: "clear",
        stencilStoreOp: "store", stencilClearValue: 0xA5 };
      encoder.beginRenderPass({ colorAttachments: [], depthStencilAttachment: { view: depth, ...clears } }).end();
      encoder.beginRenderPass({
        colorAttachments: [{ view: several, loadOp: "clear", storeOp: "store", clearValue: [1, 0.5, 1, 0.5] }],
        depthStencilAttachment: { view: plain, ...clears } }).end();
    });
  }
  computing(`var<workgroup> w: array<u32, 4096>; var<private> p: array<u32, 256>;
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
      var f: array<u32, 256>;
      for (var k = i; k < 4096; k += 64) { w[k] = ${OLD}u; p[k % 256] = ${OLD}u; f[k % 256] = ${OLD}u; }
      if (w[p[i] % 4096] + f[p[i] % 256] == 1) { w[0] = p[i]; } }`, []);
  await device.queue.onSubmittedWorkDone();
  for (const each of old) each.destroy();
}

const cases = {};

// Buffers.
const USAGES = { vertex: U.VERTEX, index: U.INDEX, uniform: U.UNIFORM, storage: U.STORAGE, indirect: U.INDIRECT,
  resolve: U.QUERY_RESOLVE, written: U.COPY_DST };
for (const name in USAGES) {
  for (const size of [BYTES, 1024]) {
    cases[`buffer ${name} ${size}`] = () => bytesOf(bufferOf(USAGES[name] | U.COPY_SRC, size));
    cases[`buffer ${name} ${size}, mapped when made`] = () => {
      const buffer = bufferOf(USAGES[name] | U.COPY_SRC, size, { mappedAtCreation: true });
      const bytes = new Uint8Array(buffer.getMappedRange()).slice();
      buffer.unmap();
      return bytes;
    };
    cases[`buffer ${name} ${size}, copied after it was mapped`] = () => {
      const buffer = bufferOf(USAGES[name] | U.COPY_SRC, size, { mappedAtCreation: true });
      buffer.getMappedRange(0, 8);
      buffer.unmap();
      return bytesOf(buffer);
    };
  }
}
for (const [name, usage, mode] of [["read", U.MAP_READ | U.COPY_DST, GPUMapMode.READ],
  ["write", U.MAP_WRITE | U.COPY_SRC, GPUMapMode.WRITE]]) {
  for (const size of [BYTES, 1024]) {
    cases[`buffer to ${name} ${size}`] = () => mapped(bufferOf(usage, size), mode);
    cases[`buffer to ${name} ${size}, mapped twice`] = () => {
      const buffer = bufferOf(usage, size, { mappedAtCreation: true });
      buffer.unmap();
      return mapped(buffer, mode);
    };
    cases[`buffer to ${name} ${size}, a part mapped first`] = async () => {
      const buffer = bufferOf(usage, size);
      await buffer.mapAsync(mode, 256, 256);
      const first = new Uint8Array(buffer.getMappedRange(256, 256)).slice();
      buffer.unmap();
      return [...first, ...await mapped(buffer, mode)];
    };
  }
}
cases["buffer by a shader"] = () => readByShader("@group(0) @binding(1) var<storage, read_write> b: array<u32>;",
  "b[i]", [{ buffer: bufferOf(U.STORAGE) }]);
cases["buffer as uniforms"] = () => readByShader("@group(0) @binding(1) var<uniform> b: array<vec4u, 1024>;",
  "b[i % 1024][i / 1024]", [{ buffer: bufferOf(U.UNIFORM) }]);
cases["buffer of which a part was written"] = async () => {
  const buffer = bufferOf(U.STORAGE | U.COPY_SRC | U.COPY_DST);
  device.queue.writeBuffer(buffer, 512, new Uint8Array(256));
  return bytesOf(buffer);
};
cases["buffer of which a part was copied to"] = async () => {
  const buffer = bufferOf(U.STORAGE | U.COPY_SRC | U.COPY_DST);
  submit((encoder) => { encoder.copyBufferToBuffer(bufferOf(U.COPY_SRC, 256), 0, buffer, 1024, 256); });
  return bytesOf(buffer);
};
cases["buffer of which a part was cleared"] = async () => {
  const buffer = bufferOf(U.STORAGE | U.COPY_SRC | U.COPY_DST);
  submit((encoder) => { encoder.clearBuffer(buffer, 64, 64); });
  return bytesOf(buffer);
};
cases["buffer of which a part was stored to"] = async () => {
  const buffer = bufferOf(U.STORAGE | U.COPY_SRC);
  computing(`@group(0) @binding(0) var<storage, read_write> b: array<u32>;
    @compute @workgroup_size(1) fn main() { b[7] = 0; }`, [{ buffer }], [1]);
  return bytesOf(buffer);
};
cases["rows of a texture in a buffer"] = () => {
  const texture = device.createTexture({ size: [3, 9], format: "rgba8unorm", usage: T.COPY_SRC });
  const buffer = bufferOf(U.COPY_DST | U.COPY_SRC);
  submit((encoder) => encoder.copyTextureToBuffer({ texture }, { buffer, offset: 512, bytesPerRow: 512 }, [3, 9]));
  return bytesOf(buffer);
};

/** What vertices of a buffer, or without one, look like: `colour` is of type vec4f. */
function drawn(attributes, colour, draw) {
  const module = device.createShaderModule({ code: `
    struct Out { @builtin(position) at: vec4f, @location(0) colour: vec4f }
    @vertex fn full(@builtin(vertex_index) i: u32 ${attributes ? ", @location(0) given: vec4f" : ""}) -> Out {
      let corner = array(vec2f(-1, -1), vec2f(3, -1), vec2f(-1, 3));
      return Out(vec4f(corner[i % 3], 0, 1), ${colour}); }
    @fragment fn put(@location(0) colour: vec4f) -> @location(0) vec4f { return colour; }` });
  const layout = { arrayStride: 16, attributes: [{ shaderLocation: 0, offset: 0, format: "unorm8x4" }] };
  const pipeline = device.createRenderPipeline({ layout: "auto",
    vertex: { module, buffers: attributes ? [layout] : [] },
    fragment: { module, targets: [{ format: "rgba8unorm" }] } });
  const target = textureOf("rgba8unorm", T.RENDER_ATTACHMENT | T.COPY_SRC);
  submit((encoder) => {
    const pass = encoder.beginRenderPass({ colorAttachments: [{ view: target, loadOp: "clear", storeOp: "store" }] });
    pass.setPipeline(pipeline);
    draw(pass);
    pass.end();
  });
  return texelsOf(target, 4);
}
cases["buffer of vertices"] = () => drawn(true, "given", (pass) => {
  pass.setVertexBuffer(0, bufferOf(U.VERTEX));
  pass.draw(3);
});
cases["buffer of indices"] = () => drawn(false, "vec4f(f32(i))", (pass) => {
  pass.setIndexBuffer(bufferOf(U.INDEX), "uint32");
  pass.drawIndexed(3);
});
cases["buffer of draws"] = () => drawn(false, "vec4f(1)", (pass) => pass.drawIndirect(bufferOf(U.INDIRECT), 0));

// Textures: formats, dimensions, levels, layers, samples.
const FORMATS = { rgba8unorm: 4, r8unorm: 1, rg8snorm: 2, bgra8unorm: 4, "rgba8unorm-srgb": 4, r16float: 2, rg16uint: 4,
  rgba16float: 8, r32uint: 4, rg32float: 8, rgba32float: 16, rgb10a2unorm: 4, rg11b10ufloat: 4, rgb9e5ufloat: 4 };
for (const format in FORMATS) {
  cases[`texture ${format}`] = () => texelsOf(textureOf(format, T.COPY_SRC), FORMATS[format]);
  cases[`texture ${format}, a part written`] = async () => {
    const texture = textureOf(format, T.COPY_SRC | T.COPY_DST);
    device.queue.writeTexture({ texture, origin: [8, 8] }, new Uint8Array(FORMATS[format]), {}, [1, 1]);
    return texelsOf(texture, FORMATS[format]);
  };
}
const SHAPES = {
  line: { size: [SIDE], dimension: "1d" }, levels: { size: [SIDE, SIDE], mipLevelCount: 7 },
  layers: { size: [SIDE, SIDE, 6] }, volume: { size: [32, 32, 4], dimension: "3d", mipLevelCount: 3 },
};
for (const name in SHAPES) {
  for (const usage of [T.COPY_SRC, T.COPY_SRC | T.COPY_DST, T.COPY_SRC | T.TEXTURE_BINDING]) {
    cases[`texture of ${name} ${usage}`] = async () => {
      const texture = textureOf("rgba8unorm", usage, SHAPES[name]);
      if (usage & T.COPY_DST) device.queue.writeTexture({ texture }, new Uint8Array(4), {}, [1]);
      const found = [];
      for (let mipLevel = 0; mipLevel < texture.mipLevelCount; mipLevel++) {
        const layers = texture.dimension === "3d" ? Math.max(1, texture.depthOrArrayLayers >> mipLevel)
          : texture.depthOrArrayLayers;
        for (let z = 0; z < layers; z++) found.push(...await texelsOf(texture, 4, { mipLevel, z }));
      }
      return found;
    };
  }
}
const AT = "vec2u(i % 64, i / 64)";
const LOADS = {
  "texture loaded": ["texture_2d<f32>", `pack4x8unorm(textureLoad(t, ${AT}, 0))`, "rgba8unorm", T.TEXTURE_BINDING],
  "texture of words loaded": ["texture_2d<u32>", `textureLoad(t, ${AT}, 0).x`, "r32uint", T.TEXTURE_BINDING],
  "texture stored to": ["texture_storage_2d<r32uint, read_write>", `textureLoad(t, ${AT}).x`, "r32uint",
    T.STORAGE_BINDING],
  "texture only read": ["texture_storage_2d<rgba8unorm, read>", `pack4x8unorm(textureLoad(t, ${AT}))`, "rgba8unorm",
    T.STORAGE_BINDING],
  "depth loaded": ["texture_depth_2d", `bitcast<u32>(textureLoad(t, ${AT}, 0))`, "depth32float", T.TEXTURE_BINDING],
  "depth of 24 bits loaded": ["texture_depth_2d", `bitcast<u32>(textureLoad(t, ${AT}, 0))`, "depth24plus",
    T.TEXTURE_BINDING],
};
for (const name in LOADS) {
  const [type, value, format, usage] = LOADS[name];
  cases[name] = () => readByShader(`@group(0) @binding(1) var t: ${type};`, value,
    [textureOf(format, usage).createView()]);
}
cases["stencil loaded"] = () => readByShader("@group(0) @binding(1) var t: texture_2d<u32>;",
  `textureLoad(t, ${AT}, 0).x`,
  [textureOf("depth24plus-stencil8", T.TEXTURE_BINDING).createView({ aspect: "stencil-only" })]);
cases["samples loaded"] = () => readByShader("@group(0) @binding(1) var t: texture_multisampled_2d<f32>;",
  `pack4x8unorm(textureLoad(t, ${AT}, 0) + textureLoad(t, ${AT}, 3))`,
  [textureOf("rgba8unorm", T.TEXTURE_BINDING | T.RENDER_ATTACHMENT, { sampleCount: 4 }).createView()]);
cases["texture sampled"] = () => readByShader(
  "@group(0) @binding(1) var t: texture_2d<f32>; @group(0) @binding(2) var s: sampler;",
  "pack4x8unorm(textureSampleLevel(t, s, vec2f(f32(i % 64), f32(i / 64)) / 64, 3))",
  [textureOf("rgba8unorm", T.TEXTURE_BINDING, { mipLevelCount: 7 }).createView(),
    device.createSampler({ minFilter: "linear", mipmapFilter: "linear" })]);
cases["texture copied over another"] = async () => {
  const to = textureOf("rgba8unorm", T.COPY_SRC | T.COPY_DST), from = textureOf("rgba8unorm", T.COPY_SRC);
  const words = new Uint32Array(BYTES / 4).fill(OLD);
  device.queue.writeTexture({ texture: to }, words, { bytesPerRow: SIDE * 4 }, [SIDE, SIDE]);
  submit((encoder) => encoder.copyTextureToTexture({ texture: from }, { texture: to }, [SIDE, SIDE]));
  return texelsOf(to, 4);
};
cases["buffer copied over a texture"] = async () => {
  const texture = textureOf("rgba8unorm", T.COPY_SRC | T.COPY_DST);
  const source = { buffer: bufferOf(U.COPY_SRC), bytesPerRow: 256 };
  submit((encoder) => encoder.copyBufferToTexture(source, { texture }, [SIDE, SIDE]));
  return texelsOf(texture, 4);
};

// Attachments: what is loaded, and what is discarded.
const passOf = (view, loadOp, storeOp, rest = {}) => submit((encoder) => encoder.beginRenderPass({
  colorAttachments: [{ view, loadOp, storeOp, clearValue: [1, 0.5, 1, 0.5], ...rest }] }).end());
const SHOWN = T.RENDER_ATTACHMENT | T.COPY_SRC;
cases["attachment that is loaded"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN);
  passOf(texture, "load", "store");
  return texelsOf(texture, 4);
};
cases["attachment that is discarded"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN);
  passOf(texture, "clear", "discard");
  return texelsOf(texture, 4);
};
cases["attachment that is discarded and loaded"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN);
  passOf(texture, "clear", "store");
  passOf(texture, "load", "discard");
  passOf(texture, "load", "store");
  return texelsOf(texture, 4);
};
cases["attachment that is discarded and loaded by a shader"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN | T.TEXTURE_BINDING);
  passOf(texture, "clear", "discard");
  return readByShader("@group(0) @binding(1) var t: texture_2d<f32>;",
    `pack4x8unorm(textureLoad(t, ${AT}, 0))`, [texture.createView()]);
};
cases["layer beside one that is an attachment"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN, { size: [SIDE, SIDE, 2] });
  passOf(texture.createView({ dimension: "2d", baseArrayLayer: 1, arrayLayerCount: 1 }), "clear", "store");
  return texelsOf(texture, 4, { z: 0 });
};
cases["slice beside one that is an attachment"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN, { size: [32, 32, 4], dimension: "3d" });
  passOf(texture, "clear", "store", { depthSlice: 1 });
  return texelsOf(texture, 4, { z: 2 });
};
cases["samples that are loaded and resolved"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN);
  const samples = textureOf("rgba8unorm", T.RENDER_ATTACHMENT, { sampleCount: 4 });
  passOf(samples, "load", "store", { resolveTarget: texture });
  return texelsOf(texture, 4);
};
cases["samples that are discarded, loaded and resolved"] = () => {
  const texture = textureOf("rgba8unorm", SHOWN);
  const samples = textureOf("rgba8unorm", T.RENDER_ATTACHMENT, { sampleCount: 4 });
  passOf(samples, "clear", "discard");
  passOf(samples, "load", "discard", { resolveTarget: texture });
  return texelsOf(texture, 4);
};

const depths = (view, depth, stencil) => submit((encoder) => encoder.beginRenderPass({ colorAttachments: [],
  depthStencilAttachment: { view, depthClearValue: 0.7, stencilClearValue: 0xA5,
    ...(depth ? { depthLoadOp: depth[0], depthStoreOp: depth[1] } : {}),
    ...(stencil ? { stencilLoadOp: stencil[0], stencilStoreOp: stencil[1] } : {}) } }).end());
const LOAD = ["load", "store"], DISCARD = ["clear", "discard"];
for (const [format, texel, depth, stencil] of [["depth32float", 4, true, false], ["depth16unorm", 2, true, false],
  ["stencil8", 1, false, true], ["depth32float-stencil8", 4, true, true], ["depth24plus-stencil8", 0, true, true]]) {
  for (const [aspect, there, size] of [["depth-only", depth && texel > 0, texel], ["stencil-only", stencil, 1]]) {
    if (!there) continue;
    const about = `${aspect} of ${format}`;
    const part = (texture) => texelsOf(texture, size, { aspect });
    const of = (extra) => textureOf(format, SHOWN, extra);
    cases[about] = () => part(textureOf(format, T.COPY_SRC));
    cases[`${about}, loaded`] = () => {
      const texture = of();
      depths(texture, depth && LOAD, stencil && LOAD);
      return part(texture);
    };
    cases[`${about}, discarded`] = () => {
      const texture = of();
      depths(texture, depth && DISCARD, stencil && DISCARD);
      return part(texture);
    };
    if (!(depth && stencil)) continue;
    cases[`${about}, discarded where the other is stored`] = () => {
      const texture = of(), stored = ["clear", "store"];
      depths(texture, aspect === "depth-only" ? DISCARD : stored, aspect === "depth-only" ? stored : DISCARD);
      return part(texture);
    };
    cases[`${about}, loaded where the other is cleared`] = () => {
      const texture = of(), stored = ["clear", "store"];
      depths(texture, aspect === "depth-only" ? LOAD : stored, aspect === "depth-only" ? stored : LOAD);
      return part(texture);
    };
  }
}
/** Draws white where depth or stencil is not 0. */
for (const [name, format, test] of [
  ["depth compared", "depth24plus", { depthCompare: "less", depthWriteEnabled: false }],
  ["depth of 32 bits compared", "depth32float", { depthCompare: "less", depthWriteEnabled: false }],
  ["stencil compared", "stencil8", { stencilFront: { compare: "not-equal" } }]]) {
  cases[name] = () => {
    const module = device.createShaderModule({ code: `${SHADERS}
      @vertex fn near(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
        let corner = array(vec2f(-1, -1), vec2f(3, -1), vec2f(-1, 3));
        return vec4f(corner[i], 0, 1); }` });
    const pipeline = device.createRenderPipeline({ layout: "auto", vertex: { module, entryPoint: "near" },
      fragment: { module, entryPoint: "red", targets: [{ format: "rgba8unorm" }] },
      depthStencil: { format, ...test } });
    const target = textureOf("rgba8unorm", SHOWN);
    const ops = format === "stencil8" ? { stencilLoadOp: "load", stencilStoreOp: "store" }
      : { depthLoadOp: "load", depthStoreOp: "store" };
    submit((encoder) => {
      const pass = encoder.beginRenderPass({
        colorAttachments: [{ view: target, loadOp: "clear", storeOp: "store" }],
        depthStencilAttachment: { view: textureOf(format, T.RENDER_ATTACHMENT), ...ops } });
      pass.setPipeline(pipeline);
      pass.draw(3);
      pass.end();
    });
    return texelsOf(target, 4);
  };
}

// Queries.
for (const type of ["occlusion", "timestamp"]) {
  const resolved = (querySet) => {
    const buffer = bufferOf(U.QUERY_RESOLVE | U.COPY_SRC, 4096);
    submit((encoder) => encoder.resolveQuerySet(querySet, 0, 512, buffer, 0));
    return bytesOf(buffer);
  };
  cases[`queries of ${type}`] = () => resolved(device.createQuerySet({ type, count: 512 }));
  cases[`queries of ${type}, one written`] = async () => {
    const querySet = device.createQuerySet({ type, count: 512 });
    submit((encoder) => {
      const timed = type === "timestamp" ? { timestampWrites: { querySet, beginningOfPassWriteIndex: 511 } } : {};
      const pass = encoder.beginRenderPass({ ...timed,
        ...(type === "occlusion" ? { occlusionQuerySet: querySet } : {}),
        colorAttachments: [{ view: textureOf("rgba8unorm", SHOWN), loadOp: "clear", storeOp: "store" }] });
      if (type === "occlusion") { pass.beginOcclusionQuery(511); pass.endOcclusionQuery(); }
      pass.end();
    });
    return (await resolved(querySet)).slice(0, -8);
  };
}

// Variables of shaders.
cases["private variable"] = () => readByShader("var<private> p: array<u32, 256>;", "p[i % 256]", []);
cases["private structure"] = () => readByShader("struct S { a: array<vec3f, 16>, b: mat4x4f } var<private> p: S;",
  "bitcast<u32>(p.a[i % 16].z) | bitcast<u32>(p.b[i % 4].w)", []);
cases["local variable"] = () => readByShader(
  "fn f(i: u32) -> u32 { var a: array<u32, 256>; return a[i % 256]; }", "f(i)", []);
cases["workgroup variable"] = () => readByShader("var<workgroup> w: array<u32, 4096>;", "w[i % 4096]", []);
cases["elements behind the end"] = () => readByShader("var<private> p: array<u32, 4>; var<workgroup> w: array<u32, 4>;",
  "p[i] | w[i + 4]", []);
cases["texels behind the edge"] = () => readByShader("@group(0) @binding(1) var t: texture_2d<f32>;",
  "pack4x8unorm(textureLoad(t, vec2u(i, 64 + i), i32(i % 3)))",
  [textureOf("rgba8unorm", T.TEXTURE_BINDING).createView()]);

// A part of what the specification says is not so (docs/webgpu.md): these are what the program itself put there.
const LOOP = `fn f(i: u32) -> u32 { var found = 0u; for (var k = 0u; k < 4; k++) { var a: array<u32, 64>;
  found |= a[(i + k) % 64]; a[(i + k + 1) % 64] = 7; } return found; }`;
results.loop = (await readByShader(LOOP, "f(i)", []))[0];
const volume = textureOf("rgba8unorm", SHOWN | T.COPY_DST, { size: [32, 32, 4], dimension: "3d" });
device.queue.writeTexture({ texture: volume }, new Uint8Array(BYTES).fill(9), { bytesPerRow: 128, rowsPerImage: 32 },
  [32, 32, 4]);
passOf(volume, "clear", "discard", { depthSlice: 1 });
results.slices = [];
for (let z = 0; z < 4; z++) results.slices.push((await texelsOf(volume, 4, { z }))[0]);

results.old = {};
results.cases = 0;
let message = null;
device.onuncapturederror = (event) => { event.preventDefault(); message ??= event.error.message; };
await leaveOldMemory();
for (const name in cases) {
  if (results.cases++ % 8 === 0) await leaveOldMemory();
  const words = await cases[name]();
  await device.queue.onSubmittedWorkDone();
  const found = words.reduce((count, byte) => count + (byte !== 0), 0);
  if (found > 0 || message !== null || words.length === 0) results.old[name] = message ?? `${found} of ${words.length}`;
  message = null;
}
