enable f16; requires packed_4x8_integer_dot_product; diagnostic(off, derivative_uniformity);
@group(0) @binding(0) var<storage, read_write> data: array<vec4<f32>>;
@id(3) override scale: f32 = 1.5e-3f;
const_assert (1 << 2) > 0x3u;
var<private> seed: u32 = 1;
var<workgroup> tile: array<array<f32, SIDE>, SIDE>;
const SIDE = 8 + 8;
struct Params { @align(16) @size(32) a: vec2h, b: mat3x3<f32>, }
@group(0) @binding(1) var<uniform> params: Params;
@must_use fn sum(p: ptr<function, array<f32, 4>>, n: i32) -> f32 {
  var total = 0.; loop { if (n <= 0 || n >= 4) { break; } continuing { total += (*p)[n]; break if total != 1.0; } }
  switch n { case 1, 2: { return total; } default { } } while n > 3 { } return total;
}
@vertex fn full(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f { return vec4f(f32(i)); }
@fragment fn red(@location(0) @interpolate(flat) c: u32) -> @location(0) vec4f { _ = c; return vec4f(1, 0, 0, 1); }
@compute @workgroup_size(SIDE, SIDE) fn main(@builtin(local_invocation_id) id: vec3u) {
  for (var i = 0u; i < 4; i++) { let tile = i; _ = tile; } /* a /* nested */ comment */
  tile[id.x][id.y] = f32(id.x >> 1u); workgroupBarrier(); // the end
  data[id.x].x = select(tile[id.y][id.x], scale, id.x < 2 && id.y > 3);
}
