const attempt = (f) => { try { return f(); } catch {} };
const log = [];
async function f(n) { try { for (let i = 0; i < n; i++) log.push(await { i }); await Promise.reject(new Error('no')); } catch (e) { log.push(e); } finally { await null; } return log; }
attempt(() => f(3).then(() => f(1)).finally(() => log.push({})));
attempt(() => Promise.all([f(1), 2, Promise.resolve([])]).then((x) => log.push(x)));
attempt(() => Promise.allSettled([Promise.reject({}), f(1)]).then((x) => JSON.stringify(x)));
attempt(() => Promise.any([Promise.reject(1), Promise.reject(new Error('b'))]).catch((e) => e.errors.map(String)));
attempt(() => Promise.race([new Promise((r) => r({ then(a) { a([]); } })), f(2)]));
attempt(() => { const { promise, resolve } = Promise.withResolvers(); resolve(promise); return promise.catch((e) => e.stack); });
attempt(() => Promise.try?.(() => { throw [1]; }).catch(async (e) => { await e; throw e; }));
attempt(() => Array.fromAsync?.([1, f(1), { x: 1 }], async (x) => [await x]));
attempt(() => (async () => { for await (const x of [1, f(1)]) log.push(x); })());
attempt(() => (async () => { await import('nothing'); })().catch((e) => String(e)));
