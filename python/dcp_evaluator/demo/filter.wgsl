// One pass along x over the band with its halo, then one along y, which drops the halo.
struct Shape {
  width: u32,
  rows: u32, // of the result
  radius: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> before: array<f32>;
@group(0) @binding(3) var<storage, read_write> after: array<f32>;

@compute @workgroup_size(64)
fn along_x(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= shape.width || at.y >= shape.rows + 2u * shape.radius) {
    return;
  }
  let start = at.y * shape.width;
  let radius = i32(shape.radius);
  var sum = 0.0;
  for (var k = -radius; k <= radius; k++) {
    let x = clamp(i32(at.x) + k, 0, i32(shape.width) - 1);
    sum += weights[k + radius] * before[start + u32(x)];
  }
  after[start + at.x] = sum;
}

@compute @workgroup_size(64)
fn along_y(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= shape.width || at.y >= shape.rows) {
    return;
  }
  var sum = 0.0;
  for (var k = 0u; k <= 2u * shape.radius; k++) {
    sum += weights[k] * before[(at.y + k) * shape.width + at.x];
  }
  after[at.y * shape.width + at.x] = sum;
}
