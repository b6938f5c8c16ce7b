const device = await newDevice();
const C = GPUShaderStage.COMPUTE;
const layout = (type, extra = {}) =>
  device.createBindGroupLayout({ entries: [{ binding: 0, visibility: C, buffer: { type, ...extra } }] });
const module = device.createShaderModule({ code: DOUBLE });
const pipeline = (bindGroupLayouts) => device.createComputePipeline({
  layout: bindGroupLayouts === "auto" ? "auto" : device.createPipelineLayout({ bindGroupLayouts }),
  compute: { module } });
const group = (of, buffer = device.createBuffer({ size: 512, usage: U.STORAGE })) => device.createBindGroup({
  layout: of, entries: [{ binding: 0, resource: { buffer, size: 256 } }] });
const one = layout("storage");
const automatic = pipeline("auto"), other = pipeline("auto"), given = pipeline([one]);
const two = pipeline([one, layout("read-only-storage")]);
const shared = device.createBuffer({ size: 512, usage: U.STORAGE });
const dispatch = (of, ...sets) => () => {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(of);
  for (const set of sets) pass.setBindGroup(...set);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.finish();
};
const dynamic = layout("storage", { hasDynamicOffset: true });
results.right = await errors(device, {
  same: dispatch(given, [0, group(one)]), equal: dispatch(given, [0, group(layout("storage"))]),
  auto: dispatch(automatic, [0, group(automatic.getBindGroupLayout(0))]),
  more: dispatch(given, [0, group(one)], [2, group(one)]),
  both: dispatch(two, [1, group(layout("read-only-storage"))], [0, group(one)]),
  offset: dispatch(pipeline([dynamic]), [0, group(dynamic), [256]]),
});
results.wrong = await errors(device, {
  none: dispatch(given), type: dispatch(given, [0, group(layout("read-only-storage"))]),
  readAndWritten: dispatch(two, [0, group(one, shared)], [1, group(layout("read-only-storage"), shared)]),
  dynamic: dispatch(given, [0, group(dynamic), [0]]), missing: dispatch(two, [0, group(one)]),
  unset: dispatch(given, [0, group(one)], [0, null]),
  autoOfAnother: dispatch(automatic, [0, group(other.getBindGroupLayout(0))]),
  givenForAuto: dispatch(automatic, [0, group(one)]),
  autoForGiven: dispatch(given, [0, group(automatic.getBindGroupLayout(0))]),
  noOffset: dispatch(pipeline([dynamic]), [0, group(dynamic)]),
  oddOffset: dispatch(pipeline([dynamic]), [0, group(dynamic), [4]]),
  farOffset: dispatch(pipeline([dynamic]), [0, group(dynamic), [512]]),
  autoInLayout: () => device.createPipelineLayout({ bindGroupLayouts: [automatic.getBindGroupLayout(0)] }),
});
