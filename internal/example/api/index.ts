// The API Worker. The site reaches it by the service binding, under /api/.
import { query } from "./tidb";

interface Env {
  DATABASE_URL: string;
}

/** The most that a form may have, in bytes: its two fields fit in, percent-encoded too. */
const maxForm = 8192;

/** How old the rows may be that a visitor sees, in seconds. */
const maxAge = 10;

/** Problem is an error that a visitor may read. */
class Problem extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      return await answer(request, env);
    } catch (error) {
      if (error instanceof Problem) {
        return Response.json({ error: error.message }, { status: error.status });
      }
      console.error(error); // the Worker's log has the details
      return Response.json({ error: "The database does not answer. Please try again later." }, { status: 503 });
    }
  },
};

async function answer(request: Request, env: Env): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "GET /api/health":
      await query(env.DATABASE_URL, "SELECT 1"); // a monitor wants to know it now
      return Response.json({ database: "ok" });
    case "GET /api/projects":
      return rows(await read(request, env, "SELECT name, summary, url, year FROM projects ORDER BY year DESC, id DESC LIMIT 50"));
    case "GET /api/guestbook":
      return rows(await read(request, env, "SELECT name, message, DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%sZ') AS at FROM guests ORDER BY id DESC LIMIT 50"));
    case "POST /api/guestbook":
      return await sign(request, env);
  }
  throw new Problem(404, "There is nothing here.");
}

// What was read last, by statement. A variable of the module lives as long as its isolate, of
// which each of Cloudflare's locations has a few: so a location asks the database some times
// a minute, however many visitors it has. The Cache API is a location's own too, and workerd
// has none unless it is configured (cacheApiOutbound).
// https://developers.cloudflare.com/workers/reference/how-workers-works/#isolates
// https://developers.cloudflare.com/workers/runtime-apis/cache/
const kept = new Map<string, { rows: unknown[]; until: number }>();

/** read returns the rows of a statement, new ones to a visitor who has just signed. */
async function read(request: Request, env: Env, sql: string): Promise<unknown[]> {
  const last = kept.get(sql);
  if (last && Date.now() < last.until && !request.headers.get("Cookie")?.includes("signed=1")) {
    return last.rows;
  }
  const rows = await query(env.DATABASE_URL, sql);
  kept.set(sql, { rows, until: Date.now() + maxAge * 1000 });
  return rows;
}

const rows = (all: unknown[]) => Response.json({ rows: all }, { headers: { "Cache-Control": "no-store" } });

/** sign adds an entry to the guest book, from a form of this site alone. */
async function sign(request: Request, env: Env): Promise<Response> {
  const { origin } = new URL(request.url);
  if ((request.headers.get("Origin") ?? origin) !== origin) {
    throw new Problem(403, "Please use the form of this site.");
  }
  const form = await readForm(request);
  const name = field(form, "name", "a name", 60);
  const message = field(form, "message", "a message", 280);
  await query(env.DATABASE_URL, "INSERT INTO guests (name, message) VALUES (?, ?)", name, message);
  kept.clear();
  // Another isolate may have older rows, and this visitor is to see the new one.
  const headers = { "Set-Cookie": `signed=1; Max-Age=${maxAge}; Path=/api/; HttpOnly; SameSite=Lax` };
  if (request.headers.get("Accept") === "application/json") {
    return Response.json({}, { status: 201, headers });
  }
  return new Response(null, { status: 303, headers: { ...headers, Location: "/#guestbook" } });
}

/** readForm reads a form, and no more than may be of a body that is longer. */
async function readForm(request: Request): Promise<FormData> {
  // https://developers.cloudflare.com/workers/runtime-apis/streams/readablestreambyobreader/
  const reader = request.body?.getReader({ mode: "byob" });
  const { value } = (await reader?.readAtLeast(maxForm + 1, new Uint8Array(maxForm + 1))) ?? {};
  if (value && value.length > maxForm) {
    throw new Problem(413, "Please write less.");
  }
  const headers = { "Content-Type": request.headers.get("Content-Type") ?? "" };
  return new Response(value, { headers }).formData().catch(() => {
    throw new Problem(400, "Please use the form.");
  });
}

function field(form: FormData, key: string, what: string, most: number): string {
  const value = String(form.get(key) ?? "").trim();
  if (!value) {
    throw new Problem(400, `Please give ${what}.`);
  }
  if ([...value].length > most) {
    throw new Problem(400, `Please give ${what} of at most ${most} characters.`);
  }
  return value;
}
