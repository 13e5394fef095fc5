// Writes and reads rows through drizzle's own client, and prints what it read.
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/mysql2";
import * as schema from "./schema.mjs";

const db = drizzle(process.env.DATABASE_URL);
const id = async (insert) => Number((await insert.$returningId())[0].id);
const ada = await id(db.insert(schema.users).values({ email: "ada@example.com", first: "Ada", last: "Lovelace", role: "owner", settings: { theme: "dark" } }));
const team = await id(db.insert(schema.teams).values({ name: "engine", ownerId: ada }));
const project = await id(db.insert(schema.projects).values({ teamId: team, name: "notes" }));
await db.insert(schema.tasks).values({ projectId: project, assigneeId: ada, title: "note G", position: 7 });
const [user] = await db.select().from(schema.users).where(eq(schema.users.id, ada));
const tasks = await db.select().from(schema.openTasks);
let refused = "no";
try {
  await db.insert(schema.teams).values({ name: "nobody's", ownerId: 999 });
} catch (error) {
  refused = (error.cause ?? error).code;
}
console.log(JSON.stringify({ full: user.full, role: user.role, settings: user.settings, state: tasks[0].title + " " + tasks[0].position, refused }));
await db.$client.end();
