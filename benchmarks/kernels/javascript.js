// Kernels of plain JavaScript, each about 5 to 30 ms on a machine of 2024: the value of each is what it computed.
({
  nBody() {
    const b = Array.from({ length: 5 }, (_, i) => ({ x: i, y: i * 0.5, z: -i, vx: 0.01 * i, vy: 0, vz: 0.02, m: 1 / (i + 1) }));
    for (let step = 0; step < 40000; step++) {
      for (let i = 0; i < 5; i++) {
        for (let j = i + 1; j < 5; j++) {
          const p = b[i], q = b[j], dx = p.x - q.x, dy = p.y - q.y, dz = p.z - q.z;
          const d2 = dx * dx + dy * dy + dz * dz + 0.01, f = 1e-4 / (d2 * Math.sqrt(d2));
          p.vx -= dx * q.m * f; p.vy -= dy * q.m * f; p.vz -= dz * q.m * f;
          q.vx += dx * p.m * f; q.vy += dy * p.m * f; q.vz += dz * p.m * f;
        }
      }
      for (const p of b) { p.x += p.vx * 1e-3; p.y += p.vy * 1e-3; p.z += p.vz * 1e-3; }
    }
    return b[0].x;
  },
  fibonacci() { const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); return f(29); },
  primes() {
    const sieve = new Uint8Array(2000000); let count = 0;
    for (let i = 2; i < sieve.length; i++) { if (sieve[i]) continue; count++; for (let j = 2 * i; j < sieve.length; j += i) sieve[j] = 1; }
    return count;
  },
  matrixProduct() {
    const n = 160, a = new Float64Array(n * n).map((_, i) => i % 7), c = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { let s = 0; for (let k = 0; k < n; k++) s += a[i * n + k] * a[k * n + j]; c[i * n + j] = s; }
    return c.reduce((x, y) => x + y);
  },
  mandelbrot() {
    let sum = 0;
    for (let py = 0; py < 160; py++) for (let px = 0; px < 160; px++) {
      let x = 0, y = 0, i = 0; const cx = px / 80 - 1.5, cy = py / 80 - 1;
      for (; i < 100 && x * x + y * y < 4; i++) { const t = x * x - y * y + cx; y = 2 * x * y + cy; x = t; }
      sum += i;
    }
    return sum;
  },
  crc32() {
    const table = Int32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n; });
    let crc = -1; for (let i = 0; i < 4000000; i++) crc = table[(crc ^ i) & 255] ^ (crc >>> 8);
    return crc;
  },
  fft() {
    const n = 1 << 15, re = Float64Array.from({ length: n }, (_, i) => Math.sin(i)), im = new Float64Array(n);
    for (let i = 1, j = 0; i < n; i++) { let bit = n >> 1; for (; j & bit; bit >>= 1) j ^= bit; j ^= bit; if (i < j) { const t = re[i]; re[i] = re[j]; re[j] = t; } }
    for (let len = 2; len <= n; len <<= 1) { const angle = -2 * Math.PI / len; for (let i = 0; i < n; i += len) for (let k = 0; k < len / 2; k++) {
      const c = Math.cos(angle * k), s = Math.sin(angle * k), a = i + k, b = a + len / 2, xr = re[b] * c - im[b] * s, xi = re[b] * s + im[b] * c;
      re[b] = re[a] - xr; im[b] = im[a] - xi; re[a] += xr; im[a] += xi; } }
    return Math.round(re[10] * 1e3);
  },
  sortNumbers() { let x = 1; const a = Array.from({ length: 60000 }, () => (x = (x * 16807) % 2147483647)); a.sort((p, q) => p - q); return a[1000]; },
  sortTyped() { let x = 1; const a = Uint32Array.from({ length: 400000 }, () => (x = (x * 16807) % 2147483647)); a.sort(); return a[1000]; },
  sortStrings() { let x = 1; const a = Array.from({ length: 12000 }, () => String((x = (x * 16807) % 2147483647))); a.sort(); return a[1000]; },
  stringBuild() { let s = ""; for (let i = 0; i < 200000; i++) s += i; return s.length; },
  stringSplit() { const s = "a,bc,def,".repeat(20000); return s.split(",").map((w) => w.toUpperCase()).join(";").length; },
  regexp() { const s = "name1=value1; name22=value22; ".repeat(4000); let n = 0; for (const m of s.matchAll(/(\w+)=(\w+)/g)) n += m[1].length * m[2].length; return n; },
  json() { const v = Array.from({ length: 4000 }, (_, i) => ({ id: i, name: `n${i}`, tags: ["a", "b"], nested: { x: i / 3 } })); let n = 0; for (let k = 0; k < 3; k++) n += JSON.stringify(JSON.parse(JSON.stringify(v))).length; return n; },
  mapOfNumbers() { const m = new Map(); for (let i = 0; i < 150000; i++) m.set(i * 7 % 10007, (m.get(i * 7 % 10007) ?? 0) + i); let s = 0; for (const [k, v] of m) s += k ^ v; return s; },
  setOfStrings() { const s = new Set(); for (let i = 0; i < 100000; i++) s.add(`k${i % 5000}`); return s.size; },
  objectsAsMaps() { const o = {}; for (let i = 0; i < 100000; i++) { const k = "k" + (i % 1000); o[k] = (o[k] || 0) + i; } return Object.values(o).reduce((a, b) => a + b); },
  closures() { let s = 0; for (let i = 0; i < 40000; i++) s += [1, 2, 3, 4].map((x) => x + i).filter((x) => x & 1).reduce((a, b) => a + b, 0); return s; },
  classes() { class P { #v = 0; add(x) { this.#v += x; return this; } get v() { return this.#v; } } class Q extends P { add(x) { return super.add(2 * x); } } let s = 0; for (let i = 0; i < 200000; i++) s += new Q().add(i).add(1).v; return s; },
  generators() { function* g(n) { for (let i = 0; i < n; i++) yield i; } let s = 0; for (const x of g(300000)) s += x; return s; },
  exceptions() { let n = 0; for (let i = 0; i < 6000; i++) { try { if (i % 2) throw new RangeError("odd"); n++; } catch (e) { n += e.message.length; } } return n; },
  bigint() { let a = 1n; for (let i = 1n; i < 1200n; i++) a *= i; return String(a % 1000000007n); },
  binaryTrees() { const make = (d) => (d ? { l: make(d - 1), r: make(d - 1) } : null), count = (t) => (t ? 1 + count(t.l) + count(t.r) : 0); let n = 0; for (let i = 0; i < 8; i++) n += count(make(13)); return n; },
  async promises() { let s = 0; const f = async (i) => { await null; return i; }; for (let i = 0; i < 20000; i++) s += await f(i); return s; },
})
