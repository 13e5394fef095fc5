// What runs without Node's modules. It's bundled, whatever this comment's apostrophe says.
/** @jsx h */
import { connect } from "@tidbcloud/serverless";
import { eq } from "drizzle-orm";
import { int, mysqlTable, varchar } from "drizzle-orm/mysql-core";
import { drizzle } from "drizzle-orm/tidb-serverless";
import { Hono } from "hono";
import { SignJWT, jwtVerify } from "jose";
import { DummyDriver, Kysely, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler } from "kysely";
import { z } from "zod";
import optional from "./lib/optional.cjs";
import page from "./lib/page.html";
import query from "./lib/query.sql";
import text from "./lib/text.txt";

const h = (tag, attributes, ...children) => ({ tag, attributes, children });
const users = mysqlTable("users", { id: int().primaryKey(), name: varchar({ length: 20 }) });

// rows answers each query with one row.
const rows = async () => Response.json({ types: [{ name: "id", type: "INT" }, { name: "name", type: "VARCHAR" }], rows: [["1", "Ann"]] }, { headers: { "TiDB-Session": "s" } });

const client = () => connect({ url: "mysql://user:password@gateway.example.com/test", fetch: rows });

const cases = {
	hono: async () => (await new Hono().get("/users/:id", (c) => c.text(c.req.param("id"))).request("/users/7")).text(),
	zod: () => z.object({ id: z.number(), at: z.iso.date() }).safeParse({ id: "x", at: "no" }).error.issues,
	jose: async () => {
		const key = new TextEncoder().encode("a key of thirty-two bytes or more");
		const token = await new SignJWT({ a: 1 }).setProtectedHeader({ alg: "HS256" }).sign(key);
		return [token, (await jwtVerify(token, key)).payload];
	},
	kysely: () => new Kysely({ dialect: {
		createAdapter: () => new MysqlAdapter(), createDriver: () => new DummyDriver(),
		createIntrospector: (db) => new MysqlIntrospector(db), createQueryCompiler: () => new MysqlQueryCompiler(),
	} }).selectFrom("users").select("id").where("name", "=", "Ann").compile().sql,
	serverless: () => client().execute("SELECT * FROM users WHERE id = ?", [1]),
	drizzle: () => drizzle({ client: client() }).select().from(users).where(eq(users.id, 1)),
	optional: () => optional.name,
	text: () => [page, query, text],
	jsx: () => <b title="x">y</b>,
	environment: () => [process.env.NODE_ENV, navigator.userAgent],
	later: async () => (await import(`./lib/later.js`)).name,
	never: async (request) => request.headers.has("never") && (await import("node:fs")).readFileSync,
};

export default {
	async fetch(request) {
		const answers = {};
		for (const [name, run] of Object.entries(cases)) {
			try {
				answers[name] = await run(request);
			} catch (error) {
				answers[name] = `failed: ${error}`;
			}
		}
		return Response.json(answers);
	},
};
