// Sum of numbers: a tree in each workgroup; one more workgroup sums up what they found.
@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;

var<workgroup> part: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) me: u32, @builtin(workgroup_id) group: vec3u,
        @builtin(num_workgroups) groups: vec3u) {
  var sum = 0u;
  for (var i = group.x * 256 + me; i < arrayLength(&data); i += groups.x * 256) { sum += data[i]; }
  part[me] = sum;
  for (var half = 128u; half > 0; half /= 2) {
    workgroupBarrier();
    if (me < half) { part[me] += part[me + half]; }
  }
  if (me == 0) { sums[group.x] = part[0]; }
}
