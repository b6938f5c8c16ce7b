const attempt = (f) => { try { return f(); } catch {} };
function* g(n) { try { for (let i = 0; i < n; i++) { const x = yield { i }; if (x) yield* g(2); } } finally { yield []; } }
attempt(() => [...g(5)]);
attempt(() => { const i = g(9); i.next(); i.next(1); i.return({}); i.next(); });
attempt(() => { const i = g(9); i.next(); i.throw(new Error('x')); });
attempt(() => { const [a, , ...b] = g(6); for (const x of g(3)) if (x.i) break; return [a, b]; });
attempt(() => g(9).map((x) => [x]).filter(Boolean).take(4).drop(1).flatMap((x) => [x, x]).toArray());
attempt(() => Iterator.from({ next() { return { done: this.n++ > 3, value: {} }; }, n: 0 }).reduce((a, x) => [a, x], 0));
attempt(() => Iterator.concat?.(g(2), [1, 2]).toArray() && g(2).some((x) => x.i) && [1].values().forEach((x) => [x]));
attempt(() => { const kept = []; for (let i = 0; i < 10; i++) { const it = g(3); it.next(); kept.push(it, () => it); } });
attempt(() => { const o = { *[Symbol.iterator]() { yield 1; yield this; } }; return [Math.max(...[1]), ...o, new Set(o)]; });
