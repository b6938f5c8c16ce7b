(function (runtime) {
  "use strict";
  runtime.gpuTime = () => runtime.ops.gpuBusyTime();
});
