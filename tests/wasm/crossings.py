"""Every way in which a value crosses between JavaScript and WebAssembly, for tests of what becomes of it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

quick = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.large_base_example,
        HealthCheck.data_too_large,
    ],
)

# Numbers travel as bit patterns and BigInts as text, so that JSON loses nothing.
HELPERS = """
const buffer = new DataView(new ArrayBuffer(8));
const number = (bits) => { buffer.setBigUint64(0, BigInt("0x" + bits)); return buffer.getFloat64(0); };
const bits = (value) => {
  if (typeof value !== "number") throw new TypeError(`${String(value)} is no number`);
  if (Number.isNaN(value)) return "NaN";
  buffer.setFloat64(0, value);
  return buffer.getBigUint64(0).toString(16);
};
const text = (value) => {
  if (typeof value !== "bigint") throw new TypeError(`${String(value)} is no BigInt`);
  return String(value);
};
/** Gives `value` to what `from` gets and gets it back, each way there is of crossing the border. */
const ways = (type, value) => {
  const type_ = type === "funcref" ? "anyfunc" : type;
  const initial = new WebAssembly.Global({ value: type_ }, value);
  const mutable = new WebAssembly.Global({ value: type_, mutable: true });
  mutable.value = value;
  const tag = new WebAssembly.Tag({ parameters: [type_] });
  const exception = new WebAssembly.Exception(tag, [value]);
  let seen;
  const e = exportsOf(type, { m: { give: () => value, take: (x) => { seen = x; }, tag, global: mutable,
    several: () => [value, value] } });
  e.pass(value);
  const [first, second] = e.both(value);
  const [third, fourth] = e.several();
  const thrown = caught(() => e.raise(value));
  return { export: e.echo(value), import: e.give(), argument: seen, first, second, third, fourth,
    initial: initial.value, mutable: mutable.value, inWasm: e.global(), payload: exception.getArg(tag, 0),
    thrown: thrown.getArg(tag, 0), caught: e.catches(value) };
};
"""


def module(kind: str) -> str:
    """Each way in which a value of the type crosses: parameter, result, results, import, global, exception."""
    return f"""(module
      (import "m" "give" (func $give (result {kind}))) (import "m" "take" (func $take (param {kind})))
      (import "m" "several" (func $several (result {kind} {kind})))
      (import "m" "tag" (tag $tag (param {kind}))) (import "m" "global" (global $global (mut {kind})))
      (func (export "echo") (param {kind}) (result {kind}) local.get 0)
      (func (export "both") (param {kind}) (result {kind} {kind}) local.get 0 local.get 0)
      (func (export "give") (result {kind}) call $give) (func (export "several") (result {kind} {kind}) call $several)
      (func (export "pass") (param {kind}) local.get 0 call $take)
      (func (export "global") (result {kind}) global.get $global)
      (func (export "raise") (param {kind}) local.get 0 throw $tag)
      (func (export "catches") (param {kind}) (result {kind})
        (block $caught (result {kind}) (try_table (catch $tag $caught) local.get 0 throw $tag) unreachable)))"""
