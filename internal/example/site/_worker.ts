// The site's own Worker: it hands /api/* to the API Worker by the service binding, and
// everything else to the static files. Thanks to _routes.json it runs for /api/* alone.
interface Fetcher {
  fetch(request: Request): Promise<Response>;
}

interface Env {
  ASSETS: Fetcher;
  API_SERVICE?: Fetcher;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (!new URL(request.url).pathname.startsWith("/api/")) {
      return env.ASSETS.fetch(request);
    }
    if (!env.API_SERVICE) {
      return Response.json({ error: "The API is not connected to this deployment." }, { status: 503 });
    }
    return env.API_SERVICE.fetch(request);
  },
};
