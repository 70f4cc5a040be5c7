"use strict";
module.exports = () => require("./plugin-cat-sound.json").sound;
