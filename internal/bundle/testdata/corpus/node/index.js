// What needs Node's modules, of a date that has all of them.
import { PrismaMariaDb } from "@prisma/adapter-mariadb";
import { eq } from "drizzle-orm";
import { int, mysqlTable, varchar } from "drizzle-orm/mysql-core";
import { drizzle } from "drizzle-orm/mysql2";
import { Buffer } from "buffer";
import { createHash } from "crypto";
import EventEmitter, { once } from "events";
import { AsyncLocalStorage } from "node:async_hooks";
import mysql from "mysql2/promise";
import eager from "./lib/eager.cjs";
import lazy from "./lib/lazy.cjs";

const users = mysqlTable("users", { id: int().primaryKey(), name: varchar({ length: 20 }) });
const pool = () => mysql.createPool({ host: "192.0.2.1", disableEval: true, connectTimeout: 100 });

const cases = {
	mysql2: () => mysql.format("SELECT * FROM users WHERE id = ? AND name = ?", [1, "O'Hara"]),
	drizzle: () => drizzle({ client: pool() }).select().from(users).where(eq(users.id, 1)).toSQL(),
	prisma: () => new PrismaMariaDb({ host: "192.0.2.1" }).provider,
	crypto: () => createHash("sha256").update(Buffer.from("x")).digest("hex"),
	events: async () => {
		const emitter = new EventEmitter();
		queueMicrotask(() => emitter.emit("done", 1));
		return once(emitter, "done");
	},
	storage: () => new AsyncLocalStorage().run(7, () => 7),
	eager: () => eager.join("a", "..", "b"),
	lazy: () => [lazy.inspect({ a: [1] }), lazy.optional()],
	later: async () => [(await import("fs")).existsSync("/nothing"), (await import("node:os")).EOL],
};

export default {
	async fetch() {
		const answers = {};
		for (const [name, run] of Object.entries(cases)) {
			try {
				answers[name] = await run();
			} catch (error) {
				answers[name] = `failed: ${error}`;
			}
		}
		return Response.json(answers);
	},
};
