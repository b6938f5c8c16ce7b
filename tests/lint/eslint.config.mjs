// ESLint for the JavaScript inside sandboxes, which knows no global: the scripts take all from runtime.primordials; and
// for that of the portal's page, where texts of strangers must never become HTML or code.
import { rule as primordials } from "./primordials.mjs";
import { rule as runtimeMembers } from "./runtime-members.mjs";

const off = Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, "off"]));

/** Members and values that other files make with `new Safe...`. */
const safeElsewhere = ["enabled", "features", "functionIds", "mapped", "memoryBuffers", "sources", "supported"];

const browser = ["addEventListener", "Blob", "clearTimeout", "crypto", "document", "fetch", "location", "setTimeout",
  "TextEncoder", "URL", "window"];
const html = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write", "writeln", "srcdoc", "setHTMLUnsafe"];

export default [
  {
    files: ["native/runtime/js/*.js"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "script",
      globals: { ...off, undefined: "readonly", NaN: "readonly", Infinity: "readonly" },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { dcp: { rules: { primordials, "runtime-members": runtimeMembers } } },
    rules: {
      "dcp/primordials": ["error", { safe: safeElsewhere }],
      "dcp/runtime-members": "error",
      "array-callback-return": "error",
      "constructor-super": "error",
      "default-case-last": "error",
      eqeqeq: "error",
      "for-direction": "error",
      "getter-return": "error",
      "no-class-assign": "error",
      "no-compare-neg-zero": "error",
      "no-cond-assign": "error",
      "no-const-assign": "error",
      "no-constant-condition": ["error", { checkLoops: false }],
      "no-dupe-args": "error",
      "no-dupe-class-members": "error",
      "no-dupe-else-if": "error",
      "no-dupe-keys": "error",
      "no-duplicate-case": "error",
      "no-ex-assign": "error",
      "no-fallthrough": "error",
      "no-func-assign": "error",
      "no-implicit-globals": "error",
      "no-loss-of-precision": "error",
      "no-redeclare": "error",
      "no-self-assign": "error",
      "no-setter-return": "error",
      "no-this-before-super": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unsafe-finally": "error",
      "no-unsafe-negation": "error",
      "no-unused-vars": ["error", { args: "after-used", argsIgnorePattern: "^_", caughtErrors: "none" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-useless-escape": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "use-isnan": "error",
      "valid-typeof": "error",
      strict: ["error", "function"],
    },
  },
  {
    // They are made here.
    files: ["native/runtime/js/primordials.js"],
    rules: { "dcp/primordials": "off", "no-undef": "off" },
  },
  {
    files: ["python/dcp_scheduler/portal/site/*.js"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: Object.fromEntries(browser.map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      eqeqeq: "error",
      "getter-return": "error",
      "no-const-assign": "error",
      "no-dupe-keys": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error", ...html.map((property) => ({ property }))],
      "no-self-assign": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrors: "none" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-useless-escape": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
];
