// self (HTML, WorkerGlobalScope). dcp-client's start-up files bring their own.
(function (runtime) {
  "use strict";
  runtime.defineGlobals(["job", "shell"], { __proto__: null, self: runtime.primordials.globalThis });
});
