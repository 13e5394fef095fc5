import { sql } from "drizzle-orm";
import { bigint, boolean, datetime, decimal, index, int, json, mysqlEnum, mysqlTable, mysqlView, primaryKey, serial, text, timestamp, uniqueIndex, varchar, check } from "drizzle-orm/mysql-core";

export const users = mysqlTable("users", {
  id: bigint("id", { mode: "number" }).autoincrement().primaryKey(),
  email: varchar("email", { length: 190 }).notNull().unique(),
  first: varchar("first", { length: 60 }).notNull(),
  last: varchar("last", { length: 60 }).notNull(),
  full: varchar("full", { length: 130 }).generatedAlwaysAs(sql`concat(first, ' ', last)`, { mode: "stored" }),
  phone: varchar("phone", { length: 30 }),
  role: mysqlEnum("role", ["guest", "member", "admin", "owner"]).notNull().default("guest"),
  settings: json("settings"),
  createdAt: timestamp("created_at").notNull().defaultNow(),
});

export const teams = mysqlTable("teams", {
  id: bigint("id", { mode: "number" }).autoincrement().primaryKey(),
  name: varchar("name", { length: 60 }).notNull(),
  ownerId: bigint("owner_id", { mode: "number" }).notNull().references(() => users.id),
}, (t) => [uniqueIndex("teams_name_idx").on(t.name)]);

export const members = mysqlTable("members", {
  teamId: bigint("team_id", { mode: "number" }).notNull().references(() => teams.id, { onDelete: "cascade" }),
  userId: bigint("user_id", { mode: "number" }).notNull().references(() => users.id, { onDelete: "cascade" }),
  joinedAt: datetime("joined_at"),
}, (t) => [primaryKey({ columns: [t.teamId, t.userId] })]);

export const projects = mysqlTable("projects", {
  id: serial("id").primaryKey(),
  teamId: bigint("team_id", { mode: "number" }).notNull().references(() => teams.id),
  name: varchar("name", { length: 200 }).notNull(),
  state: mysqlEnum("state", ["open", "closed"]).notNull().default("open"),
  budget: decimal("budget", { precision: 12, scale: 2 }),
});

export const tasks = mysqlTable("tasks", {
  id: bigint("id", { mode: "number" }).autoincrement().primaryKey(),
  projectId: bigint("project_id", { mode: "number", unsigned: true }).notNull().references(() => projects.id),
  assigneeId: bigint("assignee_id", { mode: "number" }).references(() => users.id, { onDelete: "set null" }),
  title: varchar("title", { length: 200 }).notNull(),
  body: text("body"),
  done: boolean("done").notNull().default(false),
  position: int("position").notNull().default(0),
}, (t) => [index("tasks_project_idx").on(t.projectId, t.position)]);

export const comments = mysqlTable("comments", {
  id: bigint("id", { mode: "number" }).autoincrement().primaryKey(),
  taskId: bigint("task_id", { mode: "number" }).notNull().references(() => tasks.id, { onDelete: "cascade" }),
  authorId: bigint("author_id", { mode: "number" }).notNull().references(() => users.id),
  body: text("body").notNull(),
});

export const labels = mysqlTable("labels", {
  id: int("id").autoincrement().primaryKey(),
  name: varchar("name", { length: 40 }).notNull(),
}, (t) => [uniqueIndex("labels_name_idx").on(t.name)]);

export const taskLabels = mysqlTable("task_labels", {
  taskId: bigint("task_id", { mode: "number" }).notNull().references(() => tasks.id),
  labelId: int("label_id").notNull().references(() => labels.id),
}, (t) => [primaryKey({ columns: [t.taskId, t.labelId] })]);

export const files = mysqlTable("files", {
  id: varchar("id", { length: 36 }).primaryKey(),
  taskId: bigint("task_id", { mode: "number" }).notNull().references(() => tasks.id),
  meta: json("meta").notNull(),
  size: bigint("size", { mode: "bigint", unsigned: true }).notNull(),
});

export const events = mysqlTable("events", {
  id: bigint("id", { mode: "number" }).autoincrement().primaryKey(),
  userId: bigint("user_id", { mode: "number" }).references(() => users.id),
  kind: mysqlEnum("kind", ["created", "changed", "removed"]).notNull(),
  payload: json("payload"),
  at: timestamp("at").notNull().defaultNow(),
}, (t) => [index("events_kind_idx").on(t.kind, t.at)]);

export const openTasks = mysqlView("open_tasks").as((qb) =>
  qb.select({ id: tasks.id, title: tasks.title, position: tasks.position, project: projects.name }).from(tasks).innerJoin(projects, sql`${tasks.projectId} = ${projects.id}`).where(sql`${tasks.done} = false`));

export const reactions = mysqlTable("reactions", {
  commentId: bigint("comment_id", { mode: "number" }).notNull().references(() => comments.id, { onDelete: "cascade" }),
  userId: bigint("user_id", { mode: "number" }).notNull().references(() => users.id),
  emoji: varchar("emoji", { length: 16 }).notNull(),
}, (t) => [primaryKey({ columns: [t.commentId, t.userId] })]);
