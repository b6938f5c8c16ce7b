// Each shader puts into `out` what it finds in its variables; memory that was used before is not zero then.
const OUT = `@group(0) @binding(0) var<storage, read_write> out: array<u32>;`;
const WORDS = 64;
const words = (size, value) => `for (var k = 0u; k < ${size}; k++) { out[k] = ${value}; }`;

const CASES = {
  "a word": `${OUT} var<workgroup> w: u32; @compute @workgroup_size(1) fn main() { out[0] = w; }`,
  "many invocations": `var<workgroup> w: array<u32, 64>; ${OUT}
    @compute @workgroup_size(4, 2) fn main(@builtin(local_invocation_index) i: u32) {
      for (var k = i; k < 64; k += 8u) { out[k] = w[63 - k]; } }`,
  "more invocations than elements": `var<workgroup> w: array<u32, 5>; ${OUT}
    @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { out[i] = w[i % 5]; }`,
  "no trailing line": `var<workgroup> w: array<u32, 64>; ${OUT}
    @compute @workgroup_size(1) fn main() { ${words(64, "w[k]")} } // the end`,
  "all of the memory": `var<workgroup> w: array<u32, 4096>; ${OUT}
    @compute @workgroup_size(32) fn main(@builtin(local_invocation_index) i: u32) {
      for (var k = i; k < 4096; k += 32u) { if (w[k] != 0) { out[i] = w[k]; } } }`,
  "declared behind, in any order": `@compute @workgroup_size(1) fn main() { first(); } ${OUT}
    fn first() { second(); } fn second() { ${words(16, "w[k]")} } var<workgroup> w: array<T, N>;
    const N = M * 2; const M = 1 << 3; alias T = u32;`,
  "a size by an override": `override n: u32 = 16; var<workgroup> w: array<u32, n * 2 + 32>; ${OUT}
    override m: i32 = 8; var<workgroup> v: array<u32, m>;
    @compute @workgroup_size(4) fn main() { ${words(64, "w[k] | v[k % 8]")} }`,
  "a workgroup size by an override": `${OUT} override n = 8; const h = 1; override m: i32 = 2;
    var<workgroup> w: array<u32, 64>; @compute @workgroup_size(n, h * 2, m,) fn main(
      @builtin(local_invocation_index) i: u32) { out[i] = w[i]; }`,
  "atomics": `${OUT} var<workgroup> a: atomic<u32>; var<workgroup> b: array<atomic<i32>, 32>;
    @compute @workgroup_size(1) fn main() { out[0] = atomicLoad(&a); ${words(32, "out[k] | u32(atomicLoad(&b[k]))")} }`,
  "structures": `struct Inner { x: array<vec3<f32>, 3>, y: atomic<u32>, z: bool }
    struct Outer { @size(32) a: u32, @align(64) b: array<array<Inner, 2>, 3>, c: mat3x2f, d: vec2<bool>, }
    ${OUT} alias Other = Outer; var<workgroup> s: Other;
    @compute @workgroup_size(2) fn main() {
      out[0] = s.a; out[1] = u32(any(s.d)); out[2] = bitcast<u32>(s.c[2].y);
      for (var k = 0u; k < 6; k++) {
        out[3 + k * 3] = atomicLoad(&s.b[k / 2][k % 2].y);
        out[4 + k * 3] = bitcast<u32>(s.b[k / 2][k % 2].x[k / 2].z);
        out[5 + k * 3] = u32(s.b[k / 2][k % 2].z);
      } }`,
  "a structure without arrays": `struct S { a: vec3f, b: mat4x4<f32>, c: i32 } var<workgroup> s: array<S, 3>; ${OUT}
    @compute @workgroup_size(1) fn main() {
      ${words(3, "bitcast<u32>(s[k].a.z) | bitcast<u32>(s[k].b[3][3]) | u32(s[k].c)")} }`,
  "names that are others' inside": `${OUT} var<workgroup> w: array<u32, 8>; var<workgroup> v: u32;
    fn f(w: u32) -> u32 { for (var v = 0u; v < 1; v++) { let v = w; } return w; }
    @compute @workgroup_size(1) fn main() {
      let v = w[0]; { let w = v; out[1] = f(w); } for (var w = 0; w < 2; w++) { } ${words(8, "w[k]")} }`,
  "names of functions inside": `${OUT} var<workgroup> w: u32; fn f() { out[0] = w; }
    @compute @workgroup_size(1) fn main() { f(); let zero0 = 1; let f = zero0; out[1] = w; }`,
  "pointers": `${OUT} var<workgroup> w: array<u32, 8>; @compute @workgroup_size(1) fn main() {
      let p: ptr<workgroup, array<u32, 8>> = &w; ${words(8, "(*p)[k]")} let q = &w[3]; out[9] = *q; }`,
  "the index in a structure": `${OUT} var<workgroup> w: array<u32, 64>; alias I = In;
    struct In { @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index,) i: u32, }
    @compute @workgroup_size(64) fn main(in: I) { out[in.i] = w[in.i]; }`,
  "other parameters": `${OUT} var<workgroup> w: array<u32, 64>;
    @workgroup_size(64) @compute fn main(@builtin(local_invocation_id) /* , ) */ id: vec3<u32>,
      @builtin(workgroup_id) group: vec3u,) { out[id.x] = w[id.x] + group.x * 0; }`,
  "comments": `/* var<workgroup> w: u32; /* nested */ { */ var /* < */ < // >
    workgroup > w /* : f32 */ : array < u32 /* // */ , /* 4 */ 64 > ; ${OUT} // }
    @ compute /* ( */ @workgroup_size ( 1 ) fn main ( /* ) { */ ) /* { */ { // }
    ${words(64, "w[k]")} }`,
  "no blanks": `${OUT}var<workgroup>w:array<u32,(8>>1)*4>;@compute@workgroup_size(1)fn main(){${words(16, "w[k]")}}`,
  "less and greater": `${OUT} const a = 3; const b = 4; var<workgroup> w: array<u32, select(8, 16, a < b && b > a)>;
    @compute @workgroup_size(1) fn main() { if (a<b || (b>a)) { ${words(16, "w[k]")} } }`,
  "names of other alphabets": `${OUT} var<workgroup> mémoire: array<u32, größe>; const größe = 16; // \u{1F600}
    @compute @workgroup_size(1) fn début() { ${words(16, "mémoire[k]")} }`,
  "directives": `diagnostic(off, derivative_uniformity); requires readonly_and_readwrite_storage_textures;
    ${OUT} var<workgroup> w: array<u32, 16>; const_assert 1 < 2;
    @compute @workgroup_size(1) fn main() { ${words(16, "w[k]")} }`,
  "uniform loads": `${OUT} var<workgroup> w: array<u32, 16>; @compute @workgroup_size(4) fn main() {
      ${words(16, "workgroupUniformLoad(&w[k])")} }`,
  "the language's names anew": `${OUT} fn max(a: u32) -> u32 { return a; } struct vec4f { a: array<u32, 8> }
    var<workgroup> w: vec4f; @compute @workgroup_size(1) fn main() { ${words(8, "max(w.a[k])")} }`,
};

const spoil = (device, pipeline) => {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.dispatchWorkgroups(8);
  pass.end();
  device.queue.submit([encoder.finish()]);
};
const SPOILING = `var<workgroup> w: array<u32, 4096>; @compute @workgroup_size(64) fn main(
  @builtin(local_invocation_index) i: u32) { for (var k = i; k < 4096; k += 64u) { w[k] = 0x5EC2E7u + k; } }`;

const pipelineOf = (device, code, entryPoint) => device.createComputePipeline({
  layout: "auto", compute: { module: device.createShaderModule({ code }), entryPoint },
});
async function outOf(device, pipeline) {
  const out = storage(device, new Uint32Array(WORDS).fill(7));
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: out } }],
  });
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(out);
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  device.queue.submit([encoder.finish()]);
  return read(device, out, Uint32Array);
}

const device = await newDevice();
const spoiler = pipelineOf(device, SPOILING);
results.found = {};
for (const name in CASES) {
  device.pushErrorScope("validation");
  const pipeline = pipelineOf(device, CASES[name]);
  const error = await device.popErrorScope();
  if (error !== null) { results.found[name] = error.message; continue; }
  spoil(device, spoiler);
  const found = (await outOf(device, pipeline)).filter((word) => word !== 0);
  if (found.length > 0) results.found[name] = found.map((word) => word.toString(16)).join(" ");
}

// Several entry points: each has its own variables.
const several = `${OUT} var<workgroup> a: array<u32, 8>; var<workgroup> b: array<u32, 16>; var<workgroup> c: u32;
  @compute @workgroup_size(1) fn one() { ${words(8, "a[k]")} }
  @compute @workgroup_size(16) fn two() { ${words(16, "b[k] | a[k / 2]")} }
  @compute @workgroup_size(1) fn none() { out[0] = 3; }`;
for (const [entryPoint, right] of [["one", 0], ["two", 0], ["none", 3]]) {
  const pipeline = pipelineOf(device, several, entryPoint);
  spoil(device, spoiler);
  const [first, ...rest] = await outOf(device, pipeline);
  if (first !== right || rest.some((word) => word !== 0)) results.found[entryPoint] = [first, ...rest].join(" ");
}
