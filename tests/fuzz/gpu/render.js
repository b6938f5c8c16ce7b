// Rendering: textures, views, samplers, a pass, a bundle, queries, copies, in a valid order. A seed for gpu_decoder_fuzz.
async () => {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const B = GPUBufferUsage, T = GPUTextureUsage;
  const usage = T.RENDER_ATTACHMENT | T.COPY_SRC | T.COPY_DST | T.TEXTURE_BINDING;
  const color = device.createTexture({ size: [8, 8], format: "rgba8unorm", usage, viewFormats: ["rgba8unorm-srgb"] });
  const multi = device.createTexture({ size: [8, 8], format: "rgba8unorm", sampleCount: 4, usage: T.RENDER_ATTACHMENT });
  const depth = device.createTexture({ size: [8, 8], format: "depth24plus-stencil8", sampleCount: 4, usage: T.RENDER_ATTACHMENT });
  const image = device.createTexture({ size: [8, 8], format: "rgba8unorm", usage });
  device.queue.writeTexture({ texture: image }, new Uint8Array(256), { bytesPerRow: 32 }, [8, 8]);
  const sampler = device.createSampler({ magFilter: "linear" });
  const module = device.createShaderModule({ code: `
    @group(0) @binding(0) var image: texture_2d<f32>;
    @group(0) @binding(1) var s: sampler;
    @vertex fn v(@location(0) p: vec2f) -> @builtin(position) vec4f { return vec4f(p, 0, 1); }
    @fragment fn f(@builtin(position) p: vec4f) -> @location(0) vec4f { return textureSample(image, s, p.xy / 8); }` });
  const pipeline = device.createRenderPipeline({
    layout: "auto",
    vertex: { module, buffers: [{ arrayStride: 8, attributes: [{ shaderLocation: 0, offset: 0, format: "float32x2" }] }] },
    fragment: { module, targets: [{ format: "rgba8unorm", blend: { color: {}, alpha: {} } }] },
    depthStencil: { format: "depth24plus-stencil8", depthWriteEnabled: true, depthCompare: "less" },
    multisample: { count: 4 },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: image.createView() }, { binding: 1, resource: sampler }],
  });
  const vertices = device.createBuffer({ size: 24, usage: B.VERTEX | B.COPY_DST });
  device.queue.writeBuffer(vertices, 0, new Float32Array([-1, -1, 3, -1, -1, 3]));
  const indices = device.createBuffer({ size: 8, usage: B.INDEX | B.COPY_DST });
  const queries = device.createQuerySet({ type: "occlusion", count: 2 });
  const results = device.createBuffer({ size: 16, usage: B.QUERY_RESOLVE });
  const draw = (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.setVertexBuffer(0, vertices);
    pass.setIndexBuffer(indices, "uint16");
    pass.draw(3);
    pass.drawIndexed(3);
  };
  const bundler = device.createRenderBundleEncoder({
    colorFormats: ["rgba8unorm"], depthStencilFormat: "depth24plus-stencil8", sampleCount: 4,
  });
  draw(bundler);
  const bundle = bundler.finish();
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view: multi.createView(), resolveTarget: color.createView(), loadOp: "clear", storeOp: "store" }],
    depthStencilAttachment: {
      view: depth.createView(), depthClearValue: 1, depthLoadOp: "clear", depthStoreOp: "discard",
      stencilLoadOp: "clear", stencilStoreOp: "discard",
    },
    occlusionQuerySet: queries,
  });
  pass.setViewport(0, 0, 8, 8, 0, 1);
  pass.setScissorRect(0, 0, 8, 4);
  pass.setBlendConstant([0, 0, 0, 1]);
  pass.setStencilReference(1);
  pass.beginOcclusionQuery(0);
  draw(pass);
  pass.endOcclusionQuery();
  pass.executeBundles([bundle]);
  pass.end();
  encoder.resolveQuerySet(queries, 0, 1, results, 0);
  const pixels = device.createBuffer({ size: 2048, usage: B.COPY_DST | B.COPY_SRC });
  encoder.copyTextureToBuffer({ texture: color }, { buffer: pixels, bytesPerRow: 256 }, [8, 8]);
  encoder.copyBufferToTexture({ buffer: pixels, bytesPerRow: 256 }, { texture: color }, [8, 8]);
  encoder.copyTextureToTexture({ texture: color }, { texture: image }, [8, 8]);
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  color.destroy();
  queries.destroy();
}
