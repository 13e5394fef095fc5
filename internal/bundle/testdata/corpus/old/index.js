// The first date of Node's modules by their bare names.
import events from "events";
import eager from "./lib/eager.cjs";

export default {
	fetch() {
		return Response.json({ events: typeof events.EventEmitter, eager: eager.hash("x"), globals: [typeof Buffer, typeof global.setImmediate] });
	},
};
