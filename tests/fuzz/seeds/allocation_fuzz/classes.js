const attempt = (f) => { try { return f(); } catch {} };
attempt(() => {
  class A { #p = {}; static #s = []; static count = 0; x = [this]; get p() { return this.#p; } set p(v) { this.#p = v; }
    #m() { return A.#s; } static { A.#s.push({}); } static is(o) { return #p in o; } m() { return this.#m(); } ['c' + 1]() {} }
  class B extends A { constructor(...a) { super(...a); this.y = super.m(); } get [Symbol.toStringTag]() { return 'B'; } toString() { return `${super.toString()}!`; } }
  const b = new B(1); b.p = [b]; A.is(b); return String(b) + B.name;
});
attempt(() => { class E extends Error { constructor(m) { super(m, { cause: {} }); this.name = 'E'; } } throw new E('x'); });
attempt(() => { const M = (base) => class extends base { f = () => this; }; return new (M(M(Object)))().f(); });
attempt(() => { class P extends Promise { static get [Symbol.species]() { return Promise; } } return P.resolve(1).then((x) => [x]); });
attempt(() => { class A { accessor = 1; static async *g() { yield* [1]; } } return A.g().next(); });
attempt(() => { class M extends Map { get(k) { return super.get(k) ?? []; } } return new M([[1, {}]]).get(2); });
