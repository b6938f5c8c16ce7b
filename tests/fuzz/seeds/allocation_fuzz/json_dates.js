const attempt = (f) => { try { return f(); } catch {} };
const text = attempt(() => JSON.stringify({ a: [1, { b: 'x\n\u2028' }, null], d: new Date(0), n: -0, t: { toJSON() { return [1]; } } }, null, 2));
attempt(() => JSON.parse(text ?? '{}', (k, v) => Array.isArray(v) ? v.concat([k]) : v));
attempt(() => JSON.stringify([..."abc"], ['a', 1]) + JSON.stringify({ a: 1, b: 2 }, (k, v) => v, '--'));
attempt(() => { const a = {}; a.a = { b: a }; JSON.stringify(a); });
attempt(() => JSON.parse('[1, {"__proto__": 1, "x": [[]]}, "\\u00e9\\ud83d", 1e5, tru]'));
attempt(() => { const d = new Date(2020, 1, 2, 3); d.setMonth(15); return d.toISOString() + d + d.toLocaleString() + d.toUTCString(); });
attempt(() => Date.parse('2020-01-01T00:00:00Z') + Date.parse('Tue, 1 Jan 2019 10:00 GMT+2') + Date.UTC(2020));
attempt(() => JSON.rawJSON?.('1') && JSON.stringify({ a: JSON.rawJSON('12') }));
