"use strict";
module.exports = () => "woof";
