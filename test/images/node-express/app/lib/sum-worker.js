"use strict";
const { parentPort, workerData } = require("node:worker_threads");
let sum = 0;
for (let n = 1; n <= workerData; n++) sum += n;
parentPort.postMessage(sum);
