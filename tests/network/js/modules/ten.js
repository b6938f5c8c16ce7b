// A module of a program: its work function requires it, and it requires another.
"use strict";

exports.tens = (x) => 10 * require("./twice.js").twice(x);
