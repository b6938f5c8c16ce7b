// Which proposals of WebAssembly the probe shows.
(function (runtime) {
  "use strict";
  const { ops, primordials } = runtime;
  if (ops.wasmCompile === undefined) return;
  const { ReflectOwnKeys } = primordials;

  // A module that uses each proposal: what follows the magic number and the version, in hexadecimal.
  const proposals = {
    mutableGlobals: "0606017f0141000b07050101670300",
    signExtension: "01060160017f017f030201000a070105002000c00b",
    saturatedFloatToInt: "01060160017d017f030201000a080106002000fc000b",
    multiValue: "0106016000027f7f030201000a08010600410041000b",
    bulkMemory: "0104016000000302010005030100010a0d010b00410041004100fc0b000b",
    referenceTypes: "01050160016f00030201000404016f00010a0a0108004100200026000b",
    simd: "0105016000017f030201000a0d010b004100fd0ffd62fd1b000b",
    relaxedSimd: "01080160037b7b7b017b030201000a0d010b00200020012002fd85020b",
    threads: "0105016000017f030201000504010301010a0c010a0041004101fe1e02000b",
    tailCalls: "010401600000030201000a0601040012000b",
    exceptions: "010401600000030201000d030100000a10010e0002401f400100000008000b0b0b",
    extendedConst: "0609017f00410141026a0b",
    gc: "010a025f017f006000016400030201010a090107004100fb00000b",
    typedFunctionReferences: "0109026000006001640000030201010a08010600200014000b",
    memory64: "0105016000017f0302010005030104010a0901070042002802000b",
    multiMemory: "0105016000017f03020100050502000100010a0a0108004100284201000b",
  };

  /** {proposal: whether a module that uses it compiles and instantiates} */
  runtime.wasmFeatures = () => {
    const features = {};
    const keys = ReflectOwnKeys(proposals);
    for (let i = 0; i < keys.length; i++) {
      const text = `0061736d01000000${proposals[keys[i]]}`;
      const bytes = new primordials.Uint8Array(text.length / 2);
      for (let at = 0; at < bytes.length; at++) bytes[at] = +`0x${text[2 * at]}${text[2 * at + 1]}`;
      try {
        ops.wasmInstantiate(ops.wasmCompile(bytes), []);
        features[keys[i]] = true;
      } catch {
        features[keys[i]] = false;
      }
    }
    return features;
  };
});
