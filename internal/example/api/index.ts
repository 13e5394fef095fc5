// The API Worker. The site reaches it by the service binding, under /api/.
import { query } from "./tidb";

interface Env {
  DATABASE_URL: string;
}

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
      await query(env.DATABASE_URL, "SELECT 1");
      return Response.json({ database: "ok" });
    case "GET /api/projects":
      return rows(await query(env.DATABASE_URL, "SELECT name, summary, url, year FROM projects ORDER BY year DESC, id DESC LIMIT 50"));
    case "GET /api/guestbook":
      return rows(await query(env.DATABASE_URL, "SELECT name, message, DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%sZ') AS at FROM guests ORDER BY id DESC LIMIT 50"));
    case "POST /api/guestbook":
      return await sign(request, env);
  }
  throw new Problem(404, "There is nothing here.");
}

const rows = (all: unknown[]) => Response.json({ rows: all }, { headers: { "Cache-Control": "no-store" } });

/** sign adds an entry to the guest book, from a form of this site alone. */
async function sign(request: Request, env: Env): Promise<Response> {
  const { origin } = new URL(request.url);
  if ((request.headers.get("Origin") ?? origin) !== origin) {
    throw new Problem(403, "Please use the form of this site.");
  }
  const form = await request.formData().catch(() => {
    throw new Problem(400, "Please use the form.");
  });
  const name = field(form, "name", "a name", 60);
  const message = field(form, "message", "a message", 280);
  await query(env.DATABASE_URL, "INSERT INTO guests (name, message) VALUES (?, ?)", name, message);
  if (request.headers.get("Accept") === "application/json") {
    return Response.json({}, { status: 201 });
  }
  return new Response(null, { status: 303, headers: { Location: "/#guestbook" } });
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
