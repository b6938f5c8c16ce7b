// 15 x 15 weights over an n x n picture of integers, from storage buffers.
override n: i32 = 16;
@group(0) @binding(0) var<storage, read> picture: array<i32>;
@group(0) @binding(1) var<storage, read> weights: array<i32>;
@group(0) @binding(2) var<storage, read_write> result: array<i32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = vec2i(id.xy);
  var sum = 0;
  for (var y = -7; y <= 7; y++) {
    for (var x = -7; x <= 7; x++) {
      let from_ = clamp(at + vec2i(x, y), vec2i(0), vec2i(n - 1));
      sum += picture[from_.y * n + from_.x] * weights[(y + 7) * 15 + x + 7];
    }
  }
  result[at.y * n + at.x] = sum;
}
