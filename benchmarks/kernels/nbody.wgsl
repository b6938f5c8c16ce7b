// The forces on each body from all others, through tiles in workgroup memory.
@group(0) @binding(0) var<storage, read> bodies: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> forces: array<vec4f>;

var<workgroup> tile: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) me: u32) {
  let mine = bodies[id.x];
  var force = vec3f();
  for (var start = 0u; start < arrayLength(&bodies); start += 64) {
    tile[me] = bodies[start + me];
    workgroupBarrier();
    for (var j = 0u; j < 64; j++) {
      let away = tile[j].xyz - mine.xyz;
      let inverse = inverseSqrt(dot(away, away) + 0.01);
      force += away * (tile[j].w * inverse * inverse * inverse);
    }
    workgroupBarrier();
  }
  forces[id.x] = vec4f(force, 0);
}
