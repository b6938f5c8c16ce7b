// Loads a template (sandbox/template.hpp): trusted code that makes what all sandboxes of one kind share, before they are
// forked. It gives a worktime, which runs jobs in another language:
//   assign(job)   the work function of a job, which job.js calls with the datum and the number of each slice; throws
//                 what is wrong with the job
//   isBroken      whether the sandbox is of no further use
(function (runtime) {
  "use strict";
  if (runtime.mode === "shell") return;
  const { ops, primordials } = runtime;
  const { JSONParse } = primordials;
  const { TextDecoder } = primordials.globalThis;

  const readText = (path) => new TextDecoder().decode(ops.readFile(path));

  runtime.worktime = null;
  /** `text`: JSON of a description, whose `script` is the path of the code that takes it. */
  runtime.loadTemplate = async (text) => {
    const description = JSONParse(text);
    const host = {
      readFile: ops.readFile,
      readText,
      evaluate: ops.runFile, // as a classic script
      tellOfPython: ops.tellOfPython,
      tell: (level, text) => runtime.consoleSink(level, text),
    };
    const { consoleSink, loadModule } = runtime;
    runtime.consoleSink = () => {};
    runtime.loadModule = (name) => readText(description.files[name]); // stacks, which jobs see, have no paths
    try {
      runtime.worktime = await host.evaluate(description.script)(host, description);
    } finally {
      runtime.consoleSink = consoleSink;
      runtime.loadModule = loadModule;
    }
  };
})
