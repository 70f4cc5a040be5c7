"use strict";
exports.flake = (grain) => `${grain} flakes`;
