const attempt = (f) => { try { return f(); } catch {} };
attempt(() => (2n ** 300n - 5n) * -7n / 3n % 1000007n + BigInt.asIntN(64, 2n ** 70n) + BigInt('0x' + 'f'.repeat(90)));
attempt(() => (12345678901234567890n << 70n >> 3n | 5n ^ ~9n & 77n).toString(7) + BigInt(1e300));
attempt(() => [1.5.toFixed(20), 1e21.toString(36), (0.1).toPrecision(30), 123.456.toExponential(9), Number('0b11')]);
attempt(() => -(2n ** 80n) < 1.5 && BigInt.asUintN(9, -1n) > 2n && 10n == '10' && BigInt(true));
attempt(() => { let b = 3n; for (let i = 0; i < 8; i++) { b **= 2n; b++; } return `${b}`.length; });
attempt(() => Math.max(...[1, 2, 3], { valueOf: () => 4 }) + Math.hypot(1, 2, 3) + Math.sumPrecise?.([1, 2]));
attempt(() => (1234.5).toLocaleString() + Number.parseFloat('1.5e300').toString(2) + new Number(4));
