// C = A B over n x n matrices of `real`, row by row; n is a multiple of 64. A workgroup makes a tile of 64 x 64 of C, an
// invocation 4 x 4 of that, 16 terms at a time. `real` is declared before this text.
@group(0) @binding(0) var<storage, read> a: array<vec4<real>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<real>>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4<real>>;
override n: u32 = 64;

var<workgroup> columns: array<array<real, 64>, 16>;        // of A: [term][row]
var<workgroup> rows: array<array<vec4<real>, 16>, 16>;     // of B: [term][column / 4]

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_id) me: vec3u,
        @builtin(local_invocation_index) index: u32) {
  let stride = n / 4;
  let row = index / 4;
  let part = index % 4;
  var s0 = vec4<real>();
  var s1 = vec4<real>();
  var s2 = vec4<real>();
  var s3 = vec4<real>();
  for (var k = 0u; k < n; k += 16) {
    let four = a[(tile.y * 64 + row) * stride + k / 4 + part];
    columns[part * 4][row] = four.x;
    columns[part * 4 + 1][row] = four.y;
    columns[part * 4 + 2][row] = four.z;
    columns[part * 4 + 3][row] = four.w;
    rows[me.y][me.x] = b[(k + me.y) * stride + tile.x * 16 + me.x];
    workgroupBarrier();
    for (var t = 0u; t < 16; t++) {
      let right = rows[t][me.x];
      s0 += columns[t][me.y * 4] * right;
      s1 += columns[t][me.y * 4 + 1] * right;
      s2 += columns[t][me.y * 4 + 2] * right;
      s3 += columns[t][me.y * 4 + 3] * right;
    }
    workgroupBarrier();
  }
  let at = (tile.y * 64 + me.y * 4) * stride + tile.x * 16 + me.x;
  c[at] = s0;
  c[at + stride] = s1;
  c[at + 2 * stride] = s2;
  c[at + 3 * stride] = s3;
}
