// One hundred operations of TensorFlow.js on WebGPU, each of which compiles shaders that no other needs: milliseconds.
const random = (...shape) => {
  let seed = 7;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5;
  return tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next), shape);
};
const plane = () => random(30, 20), positive = () => tf.add(plane(), 2), truth = () => tf.greater(plane(), 0);
const whole = () => tf.cast(tf.mul(plane(), 100), "int32");
const image = () => random(1, 16, 16, 4), indices = (...list) => tf.tensor1d(list, "int32");
const each = (names, operation) => names.split(" ").map((name) => () => operation(name));
const operations = [
  ...each("abs ceil cos cosh elu erf exp expm1 floor isNaN isFinite isInf leakyRelu log1p neg reciprocal relu relu6",
    (name) => tf[name](plane())),
  ...each("round selu sigmoid sign sin sinh softplus square tan tanh atan asinh asin acos", (name) => tf[name](plane())),
  ...each("log sqrt rsqrt acosh", (name) => tf[name](positive())),
  ...each("sub mul div maximum minimum pow squaredDifference atan2 mod prelu equal notEqual less lessEqual greaterEqual",
    (name) => tf[name](positive(), plane())),
  ...each("logicalAnd logicalOr", (name) => tf[name](truth(), truth())),
  ...each("sum mean max min prod argMax argMin cumsum cumprod softmax logSoftmax reverse", (name) => tf[name](plane(), 1)),
  ...each("all any", (name) => tf[name](truth(), 1)),
  () => tf.logicalNot(truth()),
  () => tf.floorDiv(whole(), tf.scalar(3, "int32")),
  () => tf.matMul(random(65, 130), random(130, 33)),
  () => tf.matMul(random(4, 6), random(6, 5)),
  () => tf.matMul(random(3, 17, 20), random(3, 9, 20), false, true),
  () => tf.matMul(random(20, 17), random(20, 9), true, false),
  () => tf.conv2d(random(1, 19, 17, 8), random(3, 3, 8, 16), [2, 1], "same"),
  () => tf.conv2d(random(1, 19, 17, 8), random(1, 1, 8, 16), 1, "valid"),
  () => tf.conv2dTranspose(random(1, 8, 8, 4), random(3, 3, 2, 4), [1, 16, 16, 2], 2, "same"),
  () => tf.conv3d(random(1, 6, 6, 6, 2), random(3, 3, 3, 2, 4), 1, "same"),
  () => tf.depthwiseConv2d(random(1, 16, 16, 6), random(3, 3, 6, 2), 1, "valid"),
  () => tf.maxPool(image(), 3, 2, "same"),
  () => tf.avgPool(image(), 3, 2, "same"),
  () => tf.maxPool3d(random(1, 8, 8, 8, 2), 2, 2, "same"),
  () => tf.gather(random(50, 3), indices(4, 49, 0, 4)),
  () => tf.gatherND(random(50, 3), tf.tensor2d([[4, 1], [49, 2]], [2, 2], "int32")),
  () => tf.scatterND(tf.tensor2d([[4], [1]], [2, 1], "int32"), random(2, 3), [8, 3]),
  () => tf.transpose(random(7, 5, 9), [2, 0, 1]),
  () => tf.transpose(random(70, 50)),
  () => tf.concat([random(4, 5), random(4, 6)], 1),
  () => tf.slice(random(8, 9), [1, 2], [4, 5]),
  () => tf.stridedSlice(random(8, 9), [0, 1], [8, 9], [2, 3]),
  () => tf.tile(random(3, 4), [2, 3]),
  () => tf.pad(random(3, 4), [[1, 2], [0, 3]]),
  () => tf.mirrorPad(random(3, 4), [[1, 2], [0, 3]], "reflect"),
  () => tf.where(truth(), plane(), positive()),
  () => tf.clipByValue(plane(), -0.2, 0.2),
  () => tf.oneHot(indices(1, 2, 0), 4),
  () => tf.batchNorm(random(4, 8, 3), random(3), tf.add(tf.square(random(3)), 0.1), random(3), random(3)),
  () => tf.image.resizeBilinear(random(1, 9, 9, 3), [20, 14]),
  () => tf.image.resizeNearestNeighbor(random(1, 9, 9, 3), [20, 14]),
  () => tf.image.cropAndResize(image(), random(2, 4), indices(0, 0), [8, 8]),
  () => tf.topk(random(6, 40), 5).values,
];
await tf.setBackend("webgpu");
if (tf.getBackend() !== "webgpu" || operations.length !== 100) throw new Error(`${tf.getBackend()}, ${operations.length}`);
const began = performance.now();
let sum = 0;
for (const operation of operations) {
  const tensor = operation();
  sum += Number((await tensor.data())[0]) || 0;
  tensor.dispose();
}
return { time: performance.now() - began, sum: Math.round(1000 * sum) };
