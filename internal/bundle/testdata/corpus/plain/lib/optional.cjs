let util;
try {
	util = require("util");
} catch {}
exports.name = util ? "with util" : "without util";
