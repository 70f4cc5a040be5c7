"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
module.exports = (seconds) => readFileSync(join(__dirname, "farewell.txt"), "utf8").trim().replace("%s", seconds.toFixed(0));
