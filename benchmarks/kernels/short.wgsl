// Runs for a moment. SEED becomes another number each time, so that no cache has the shader.
@group(0) @binding(0) var<storage, read_write> x: array<u32>;

@compute @workgroup_size(1)
fn main() {
  for (var i = 0u; i < SEEDu; i += 900u) { x[0] = x[0] * 3u + (i ^ 5u); }
  x[0] = 1u;
}
