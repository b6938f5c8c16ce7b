const attempt = (f) => { try { return f(); } catch {} };
const log = [];
async function* g(n) { try { for (let i = 0; i < n; i++) log.push(yield i); if (n > 0) yield* g(n - 1); } finally { await log; } }
attempt(() => (async () => { for await (const x of g(3)) { log.push({ x }); if (x > 1) break; } })());
attempt(() => { const i = g(2); for (const x of [1, 2, 3, 4]) i.next({ x }); i.return([]); i.throw({}).catch(() => {}); });
attempt(() => (async () => { try { await g(2).throw(new TypeError('x')); } catch (e) { log.push(e.stack); } })());
attempt(() => (async () => { const o = { async *[Symbol.asyncIterator]() { yield await [1]; } }; for await (const [x] of o) log.push(() => x); })());
attempt(() => (async function* () { const x = yield* { [Symbol.iterator]() { return [1, {}].values(); } }; })().next());
