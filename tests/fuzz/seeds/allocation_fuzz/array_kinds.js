const attempt = (f) => { try { return f(); } catch {} };
attempt(() => { const v = new Array(1000); let i = 1000; while (i--) v[i] = 0; });
attempt(() => { const v = []; v[5] = 1; v[1e6] = {}; v.length = 3; });
attempt(() => { const v = [1, 2, 3]; Object.defineProperty(v, 1, { get: () => ({}) }); v.push(4); v.sort(); });
attempt(() => { const v = [1, 2, 3]; v.name = {}; delete v[1]; v[1] = {}; Object.freeze(v); });
attempt(() => { Array.prototype[3] = {}; const v = []; v[4] = 1; v.push(v[3]); delete Array.prototype[3]; });
attempt(() => { class A extends Array {} const v = A.from([1, 2, 3]); v.map((x) => [x]); v.splice(0, 2); });
(function (a, b) { attempt(() => { arguments[0] = {}; a = []; arguments[5] = 1; delete arguments[1]; b = {}; }); })(1, 2, 3);
(function () { 'use strict'; attempt(() => { arguments[4] = {}; Object.defineProperty(arguments, 0, { value: 1 }); }); })(1, 2);
