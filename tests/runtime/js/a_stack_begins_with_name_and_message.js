const of = (error) => error.stack.slice(0, error.stack.indexOf("\n    at "));
const heads = [];
const add = (error) => heads.push(of(error));
class Bare extends Error {}
class Named extends TypeError { constructor(message) { super(message); this.name = "Named"; } }
class Getter extends Error { get name() { return "Got"; } get message() { return "no own message"; } }
class Faulty extends Error { get name() { throw new RangeError("not this one"); } }
[new Error("here"), new Error(), new Error(""), new RangeError("two\nlines"), new AggregateError([], "many"),
 new Bare("mine"), new Named("own"), new Getter("given")].forEach(add);
try { null.property; } catch (error) { heads.push(of(error).slice(0, 11)); }
try { (0, eval)("let 1"); } catch (error) { heads.push(of(error).slice(0, 13)); }
const nameless = new Error("nameless");
nameless.name = "";
add(nameless);
const changed = new Error("as it was");
changed.message = "as it is";
changed.name = "First";
add(changed);
changed.name = "Second";
add(changed);
const plain = { name: "Plain", message: "object" };
Error.captureStackTrace(plain);
add(plain);
const empty = {};
Error.captureStackTrace(empty);
add(empty);
const faulty = new Faulty("and fails");
const [first, second] = [faulty.stack, faulty.stack];
const own = new Error("own");
const owned = [Object.getOwnPropertyNames(own).includes("stack"), Object.keys(own)];
own.stack = 5;
owned.push(own.stack, Object.keys(own), delete own.stack, Object.getOwnPropertyNames(own));
const frozen = Object.freeze(new Error("frozen"));
frozen.stack = "other";
owned.push(frozen.stack);
print(JSON.stringify({
  owned, heads, faulty: [first.startsWith("<error"), first === second],
  newline: new Error("x").stack.endsWith("\n"),
}));
Error.prepareStackTrace = (error, sites) => `${error.message} at ${sites.length > 0}`;
const prepared = [new Error("by function").stack];
Error.prepareStackTrace = undefined;
Error.stackTraceLimit = 0;
prepared.push(new Error("no calls").stack);
const limited = new Bare("");
prepared.push(limited.stack);
print(JSON.stringify(prepared));
let asked = 0;
class Asked extends Error { get name() { asked++; return "Asked"; } }
try { throw new Asked("but not when thrown"); } catch {}
try { throw { get name() { asked++; }, get message() { asked++; } }; } catch {}
print(asked);
