// The rule of native/runtime/js/primordials.js: once user code runs, the runtime calls nothing that user code can
// replace: methods and getters of the builtins' prototypes, and the iteration of arrays. Globals are left to the rule
// no-undef. What a script does while it is loaded, outside of functions, comes before user code.
//
// Objects of Safe* (SafeMap, SafeArrayIterator ...) have methods of their own. An expression is taken for one by its
// name: where this file gives that name `new Safe...`, or where the option `safe` lists it.

const constructors = [
  Array, ArrayBuffer, BigInt, DataView, Date, Error, FinalizationRegistry, Function, Map, Number, Object, Promise,
  RegExp, Set, SharedArrayBuffer, String, Symbol, WeakMap, WeakRef, WeakSet,
];
const prototypes = [
  ...constructors.map((constructor) => constructor.prototype),
  Object.getPrototypeOf(Uint8Array.prototype),
  Object.getPrototypeOf(Object.getPrototypeOf([].values())),
  (function* () {})().constructor.prototype,
];
const ownNames = (objects, wanted) =>
  new Set(objects.flatMap((object) =>
    Object.entries(Object.getOwnPropertyDescriptors(object)).filter(wanted).map(([name]) => name)));
const methods = ownNames(prototypes, ([name, { value }]) => typeof value === "function" && name !== "constructor");
// Other getters have names that records of the runtime have too.
const getters = ownNames([ArrayBuffer.prototype, SharedArrayBuffer.prototype], ([, { get }]) => get !== undefined);

const isSafeNew = (node) => node?.type === "NewExpression" && /^Safe[A-Z]/.test(node.callee.name ?? "");
const isFunction = (node) => /Function/.test(node.type);

/** The last name of `a`, `a.b` or `a.#b`; of `a.keys()`, where it is an iterator of a collection, that of `a`. */
function nameOf(node) {
  if (node.type === "ChainExpression") return nameOf(node.expression);
  if (node.type === "CallExpression") {
    const { callee } = node;
    const iterates = callee.type === "MemberExpression" && /^(keys|values|entries)$/.test(callee.property.name);
    return iterates ? nameOf(callee.object) : undefined;
  }
  if (node.type === "MemberExpression") return node.computed ? undefined : node.property.name;
  return node.name;
}

export const rule = {
  meta: {
    type: "problem",
    schema: [{ type: "object", properties: { safe: { type: "array", items: { type: "string" } } } }],
    messages: {
      method: "User code can replace '{{name}}': take it from runtime.primordials, or use an object of Safe*.",
      iteration: "User code can replace this iteration: loop by index, or over a SafeArrayIterator.",
    },
  },
  create(context) {
    const safe = new Set(context.options[0]?.safe);
    const later = [];
    const runsLater = (node) => context.sourceCode.getAncestors(node).filter(isFunction).length > 1;
    const isOwn = ({ type }) => type === "ThisExpression" || type === "Super";
    const isSafe = (node) => isSafeNew(node) || safe.has(nameOf(node));
    const note = (target, value) => isSafeNew(value) && safe.add(nameOf(target));

    const report = (node, messageId, data) => context.report({ node, messageId, data });
    const checkIteration = (node, iterated) => {
      if (runsLater(node)) later.push(() => isSafe(iterated) || report(node, "iteration"));
    };
    const checkMember = (node, names) => {
      const name = node.computed ? node.property.value : node.property.name;
      if (node.property.type === "PrivateIdentifier" || !names.has(name) || !runsLater(node)) return;
      later.push(() => isOwn(node.object) || isSafe(node.object) || report(node, "method", { name }));
    };

    return {
      VariableDeclarator: (node) => note(node.id, node.init),
      AssignmentExpression: (node) => note(node.left, node.right),
      PropertyDefinition: (node) => note(node.key, node.value),
      Property: (node) => note(node.key, node.value),
      CallExpression(node) {
        if (node.callee.type === "MemberExpression") checkMember(node.callee, methods);
      },
      MemberExpression: (node) => checkMember(node, getters),
      ForOfStatement: (node) => checkIteration(node, node.right),
      SpreadElement(node) {
        if (node.parent.type !== "ObjectExpression") checkIteration(node, node.argument);
      },
      YieldExpression(node) {
        if (node.delegate) checkIteration(node, node.argument);
      },
      ArrayPattern(node) {
        if (runsLater(node)) report(node, "iteration");
      },
      "Program:exit": () => later.forEach((check) => check()),
    };
  },
};
