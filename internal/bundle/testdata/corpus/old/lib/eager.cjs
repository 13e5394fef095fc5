const { createHash } = require("node:crypto");
exports.hash = (text) => createHash("md5").update(text).digest("hex");
