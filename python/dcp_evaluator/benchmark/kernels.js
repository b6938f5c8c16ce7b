// The JavaScript kernels, by name: each computes the same value on every engine, in some milliseconds without a JIT.
({
  // Product of two 40 x 40 matrices of f64 in typed arrays.
  numbers() {
    const n = 40, a = new Float64Array(n * n), b = new Float64Array(n * n), c = new Float64Array(n * n);
    for (let i = 0; i < n * n; i++) { a[i] = i % 7; b[i] = i % 5; }
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
        c[i * n + j] = sum;
      }
    }
    return c.reduce((sum, x) => sum + x, 0);
  },
  // Sieve of Eratosthenes and a linear congruential generator, in 32-bit integers.
  integers() {
    const n = 40000, composite = new Uint8Array(n);
    let count = 0, state = 1;
    for (let i = 2; i < n; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      if (composite[i]) continue;
      count += 1 + (state & 1);
      for (let j = i * i; j < n; j += i) composite[j] = 1;
    }
    return count;
  },
  // A binary tree of objects with methods, made, changed and walked.
  objects() {
    class Node {
      constructor(key) { this.key = key; this.left = this.right = null; }
      insert(key) {
        const side = key < this.key ? "left" : "right";
        if (this[side] === null) this[side] = new Node(key);
        else this[side].insert(key);
      }
      sum(depth) {
        return this.key * depth + (this.left?.sum(depth + 1) ?? 0) + (this.right?.sum(depth + 1) ?? 0);
      }
    }
    const root = new Node(5000);
    for (let i = 1; i < 3000; i++) root.insert((i * 7919) % 10007);
    return root.sum(1);
  },
  // Words counted in a Map, put together, split, replaced and parsed.
  strings() {
    const words = [], counts = new Map();
    for (let i = 0; i < 3000; i++) words.push("w" + ((i * 7919) % 257).toString(36));
    for (const word of words.join(" ").split(" ")) counts.set(word, (counts.get(word) ?? 0) + 1);
    const text = JSON.stringify(Object.fromEntries(counts)).replace(/w([a-z])/g, "$1w");
    return Object.keys(JSON.parse(text)).length * 1000 + text.length;
  },
  // Sorting numbers with a comparison in JavaScript.
  sorting() {
    const values = Array.from({ length: 6000 }, (_, i) => (i * 7919) % 10007);
    values.sort((a, b) => a - b);
    return values[3000] * 10 + values[0];
  },
})
