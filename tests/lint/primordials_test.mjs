// node primordials_test.mjs ESLINT: what the rule lets pass and what it refuses.
import { createRequire } from "node:module";
import { rule } from "./primordials.mjs";

const { RuleTester } = createRequire(process.argv[2])("eslint");
const tester = new RuleTester({ languageOptions: { ecmaVersion: 2024, sourceType: "script" } });
/** As scripts of the runtime are: what `text` does, it does when user code calls it. */
const later = (text) => `(function (runtime) { const { SafeMap } = runtime.primordials; function f(x, y) {${text}} })`;
const refused = (text, ...ids) => ({ code: later(text), errors: ids.map((messageId) => ({ messageId })) });

tester.run("primordials", rule, {
  valid: [
    "(function (runtime) { const [a] = [1]; for (const x of [a]) [x].push(...[a]); })",
    later("ArrayPrototypePush(x, y); y = StringPrototypeSlice(x, 1);"),
    later("for (let i = 0; i < x.length; i++) y[i] = x[i];"),
    later("const m = new SafeMap(); m.set(x, y); m.forEach((z) => z); for (const k of m.keys()) m.delete(k);"),
    later("x.copies = new SafeMap(); x.copies.get(y);"),
    later("for (const z of new SafeArrayIterator(x)) y(z, ...new SafeArrayIterator(z));"),
    later("class C { #seen = new SafeMap(); has(z) { return this.#seen.has(z); } }"),
    later("class C { #push() {} get() { this.#push(); return this.has(1) && super.has(1); } }"),
    later("const { z, ...rest } = x; y = { ...rest, z };"),
    later("runtime.ops.sendFrame(x); x.answer(y);"),
    { code: later("y.supported.has(x);"), options: [{ safe: ["supported"] }] },
  ],
  invalid: [
    refused("x.push(y);", "method"),
    refused("x?.push(y);", "method"),
    refused("x['push'](y);", "method"),
    refused("return `${x}`.slice(1);", "method"),
    refused("/x/.test(y);", "method"),
    refused("x.then(y); y.call(x); new Set().has(x);", "method", "method", "method"),
    refused("const m = new Map(); m.get(x);", "method"),
    refused("return (() => x.map(y))();", "method"),
    refused("return x.byteLength;", "method"),
    refused("for (const z of x) y(z);", "iteration"),
    refused("for (const z of x.keys()) y(z);", "iteration", "method"),
    refused("y(...x);", "iteration"),
    refused("return [...x];", "iteration"),
    refused("const [z] = x; return z;", "iteration"),
    refused("function g([z]) { return z; }", "iteration"),
    refused("return function* () { yield* x; };", "iteration"),
  ],
});
