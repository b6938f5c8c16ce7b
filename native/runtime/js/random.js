// Math.random as a function of a job's seed and of the slice: the same numbers on every engine and machine.
(function (runtime) {
  "use strict";
  if (runtime.mode !== "job") return;
  const { ObjectDefineProperty, globalThis } = runtime.primordials;
  const { Math } = globalThis;

  // sfc32 (Chris Doty-Humphrey's PractRand): integers of 32 bits alone.
  let a = 0, b = 0, c = 0, counter = 0;
  const WARM_UP = 15;

  function draw() {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** `slice`: its number; -1 for what runs before the first. */
  function begin(seed, slice) {
    a = seed | 0;
    b = (seed / 0x100000000) | 0;
    c = slice | 0;
    counter = (slice / 0x100000000) | 0;
    for (let i = 0; i < WARM_UP; i++) draw();
  }

  runtime.beginRandom = () => {};
  /** Makes Math.random a function of `seed`, a whole number below 2 ** 53. */
  runtime.seedRandom = (seed) => {
    const { random } = {
      random() {
        return ((draw() >>> 5) * 0x4000000 + (draw() >>> 6)) / 0x20000000000000;
      },
    };
    ObjectDefineProperty(Math, "random", {
      __proto__: null, value: random, writable: true, enumerable: false, configurable: true,
    });
    runtime.beginRandom = (slice) => begin(seed, slice);
    begin(seed, -1);
  };
});
