exports.inspect = (value) => require("node:util").inspect(value);
exports.optional = () => {
	try {
		return typeof require("perf_hooks").performance.now();
	} catch (error) {
		return "none";
	}
};
