const path = require("node:path");
const { format } = require("util");
exports.join = (...parts) => format("%s", path.join(...parts));
