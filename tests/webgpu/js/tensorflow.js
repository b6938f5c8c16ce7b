const random = (...shape) => {
  let seed = 7;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5;
  return tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next), shape);
};
const operations = {
  matMul: () => tf.matMul(random(65, 130), random(130, 33)),
  batchMatMul: () => tf.matMul(random(3, 17, 20), random(3, 9, 20), false, true),
  conv2d: () => tf.conv2d(random(1, 19, 17, 8), random(3, 3, 8, 16), [2, 1], "same"),
  depthwise: () => tf.depthwiseConv2d(random(1, 16, 16, 6), random(3, 3, 6, 2), 1, "valid"),
  maxPool: () => tf.maxPool(random(1, 16, 16, 5), 3, 2, "same"),
  softmax: () => tf.softmax(random(12, 300)),
  sum: () => tf.sum(random(40, 41, 3), [0, 2]),
  mean: () => tf.mean(random(4000)),
  argMax: () => tf.argMax(random(30, 100), 1),
  cumsum: () => tf.cumsum(random(5, 60), 1),
  gather: () => tf.gather(random(50, 3), tf.tensor1d([4, 49, 0, 4], "int32")),
  transpose: () => tf.transpose(random(7, 5, 9), [2, 0, 1]),
  concat: () => tf.concat([random(4, 5), random(4, 6)], 1),
  activations: () => tf.tanh(tf.exp(tf.add(tf.relu(random(999)), tf.sigmoid(random(999))))),
  batchNorm: () => tf.batchNorm(random(4, 8, 3), random(3), tf.add(tf.square(random(3)), 0.1), random(3), random(3)),
  resize: () => tf.image.resizeBilinear(random(1, 9, 9, 3), [20, 14]),
  topk: () => tf.topk(random(6, 40), 5).values,
  training: () => {
    const [x, y] = [random(64, 10), random(64, 1)];
    const weights = tf.variable(random(10, 1)), bias = tf.variable(tf.zeros([1]));
    const optimizer = tf.train.adam(0.05);
    const loss = () => tf.losses.meanSquaredError(y, tf.add(tf.matMul(x, weights), bias));
    for (let step = 0; step < 20; step++) optimizer.minimize(loss, false, [weights, bias]);
    return weights;
  },
};
async function run(backend) {
  await tf.setBackend(backend);
  const found = { backend: tf.getBackend() };
  for (const name in operations) {
    const tensor = operations[name]();
    found[name] = [tensor.shape, [...await tensor.data()]];
    tensor.dispose();
  }
  return found;
}
(async () => {
  const cpu = await run("cpu"), gpu = await run("webgpu");
  const furthest = {};
  for (const name in operations) {
    const same = gpu[name][0].join() === cpu[name][0].join();
    furthest[name] = !same ? Infinity : cpu[name][1].reduce((most, value, i) => Math.max(most,
      Math.abs(value - gpu[name][1][i])), 0);
    if (!furthest[name] && furthest[name] !== 0) furthest[name] = 1e9;
  }
  return { furthest, backends: [cpu.backend, gpu.backend],
    sizes: Object.keys(operations).map((name) => cpu[name][1].length) };
})().then((found) => print(JSON.stringify(found)), (error) => print(`${error}\n${error.stack}`));
