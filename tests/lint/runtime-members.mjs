// The members of the object `runtime`, which the scripts of native/runtime/js share: each file and what it puts there.
// C++ makes ops and mode; native/runtime/hooks.hpp has those that C++ calls.
const members = {
  "": ["frames", "mode", "ops"], // not of these files; frames is generated
  primordials: ["defineGlobal", "defineGlobals", "primordials"],
  "error-report": ["describeError", "headOfError", "isError", "isRuntimeFrame", "undescribable", "userStack"],
  webidl: ["webidl"],
  "dom-exception": ["DOMException", "isDOMException"],
  "async-context": ["callAs"],
  events: ["events", "reportException"],
  abort: ["addAbortAlgorithm", "isAbortSignal"],
  inspect: ["indentText", "inspect"],
  console: ["consoleSink", "formatConsole"],
  timers: ["cancelTimer", "hasTimers", "runTimers", "startTimer"],
  "encoding-labels": ["encodingLabels"],
  "legacy-encodings": ["legacyDecoder"],
  encoding: ["encoding"],
  "url-host": ["urlHost"],
  "url-parser": ["urlParser"],
  "url-search-params": ["urlSearchParams"],
  url: ["URL"],
  "structured-clone": ["platformBrands", "structuredClone"],
  performance: ["monotonicOrigin", "pauseClock", "performance", "resumeClock"],
  "webassembly-strings": ["wasmStrings"],
  "webassembly-errors": ["wasm"],
  "webassembly-memory": ["isMemoryBuffer"],
  "webassembly-features": ["wasmFeatures"],
  "webgpu-idl": ["gpu"],
  "webgpu-wire": ["onGpuLost", "onGpuReplies"],
  "webgpu-device": ["onUncapturedGpuError", "settleGpu"],
  webgpu: ["gpuTime", "gpuUsage"],
  line: ["onLine", "runTimers"],
  shell: ["consoleSink", "loadModule", "onFrame", "onIdle", "onStart", "onUncaught", "onUnhandledRejection"],
  random: ["beginRandom", "seedRandom"],
  template: ["consoleSink", "loadModule", "loadTemplate", "worktime"],
  job: [
    "consoleSink", "loadModule", "onFrame", "onIdle", "onStart", "onUncapturedGpuError", "onUncaught", "onUndecodable",
    "onUnhandledRejection",
  ],
};
const known = Object.values(members).flat();

/** What is read is in the table, and what a file puts there is what the table says. */
export const rule = {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      unknown: "tests/lint/runtime-members.mjs has no member '{{name}}' of runtime.",
      unlisted: "tests/lint/runtime-members.mjs does not list '{{name}}' for this file.",
      missing: "This file does not set runtime.{{name}}, which tests/lint/runtime-members.mjs lists for it.",
    },
  },
  create(context) {
    const listed = members[context.filename.match(/([^/]*)\.js$/)[1]] ?? [];
    const set = new Set();
    const isRuntime = (node) => node?.type === "Identifier" && node.name === "runtime";
    const check = (node, name, names, messageId) => {
      if (!names.includes(name)) context.report({ node, messageId, data: { name } });
    };
    return {
      MemberExpression(node) {
        if (!isRuntime(node.object) || node.computed) return;
        const { parent, property: { name } } = node;
        const isSet = parent.type === "AssignmentExpression" && parent.left === node;
        if (isSet) set.add(name);
        check(node, name, isSet ? listed : known, isSet ? "unlisted" : "unknown");
      },
      VariableDeclarator(node) {
        if (!isRuntime(node.init) || node.id.type !== "ObjectPattern") return;
        for (const { key } of node.id.properties) check(key, key.name, known, "unknown");
      },
      "Program:exit"(node) {
        for (const name of listed) check(node, name, [...set], "missing");
      },
    };
  },
};
