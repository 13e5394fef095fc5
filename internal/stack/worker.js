// The API Worker that the stack deploys until it is given another script (config
// workerScript). It tells which stack it is of, and whether its database answers.
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/") {
      return Response.json({ error: `no route for ${pathname}` }, { status: 404 });
    }
    try {
      const [[one]] = await query(env.DATABASE_URL, "SELECT 1");
      return Response.json({ stack: env.PULUMI_STACK, database: one === "1" });
    } catch (error) {
      return Response.json({ stack: env.PULUMI_STACK, error: error.message }, { status: 503 });
    }
  },
};

// One statement over HTTPS, since a Worker's sockets cost more than one request.
// For more than this take @tidbcloud/serverless, which speaks the same protocol:
// https://docs.pingcap.com/tidbcloud/serverless-driver/
async function query(url, sql) {
  const { hostname, username, password, pathname } = new URL(url);
  const credentials = btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const response = await fetch(`https://http-${hostname}/v1beta/sql`, {
    method: "POST",
    headers: {
      "Authorization": `Basic ${credentials}`,
      "Content-Type": "application/json",
      "TiDB-Database": decodeURIComponent(pathname.slice(1)),
      "TiDB-Session": "",
    },
    body: JSON.stringify({ query: sql }),
  });
  if (!response.ok) {
    throw new Error(`the database answered ${response.status}`);
  }
  return (await response.json()).rows;
}
