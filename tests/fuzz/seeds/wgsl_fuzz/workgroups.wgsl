enable foo; // comment é
/* a /* b */ */ var<workgroup> c: array<u32, N + 1>;
override N: u32 =
 4;
struct S { a: atomic<u32>, @align(32) b: array<vec3<F>, K>, f: bool }
alias F = f32; const K = (TILE * 2u + 0x10) / 2;
const TILE: u32 = 1 << 3;
var<workgroup> s: array<array<S, 2>, TILE>;
var<workgroup> unused: u32;
var<workgroup> m: mat4x4f;
fn helper(c: u32) { s[0][0].f = true; for (var m = 0; m < 1; m++) { let m = m; } }
@compute @workgroup_size(8, N,) fn main(@builtin(global_invocation_id) id: vec3u) {
  c[0] = 1; helper(1);
}
struct In { @builtin(local_invocation_index) zero0: u32 }
@workgroup_size(64) @compute fn two(i: In) { m = mat4x4f(); atomicStore(&s[0][1].a, i.zero0); }
