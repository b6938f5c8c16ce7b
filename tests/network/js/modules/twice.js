"use strict";

exports.twice = (x) => 2 * x;
