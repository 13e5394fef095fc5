// One statement over HTTPS, since a Worker's sockets cost more than one request. It is the
// protocol of TiDB Cloud's driver @tidbcloud/serverless, which can take the place of this
// file: https://docs.pingcap.com/tidbcloud/serverless-driver/

type Value = string | number | null;

/** query runs a statement whose question marks stand for the values. */
export async function query(databaseUrl: string, sql: string, ...values: Value[]): Promise<Record<string, string | null>[]> {
  const { hostname, username, password, pathname } = new URL(databaseUrl);
  const credentials = btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const response = await fetch(`https://http-${hostname}/v1beta/sql`, {
    method: "POST",
    headers: {
      "Authorization": `Basic ${credentials}`,
      "Content-Type": "application/json",
      "TiDB-Database": decodeURIComponent(pathname.slice(1)),
      "TiDB-Session": "",
    },
    body: JSON.stringify({ query: fill(sql, values) }),
  });
  if (!response.ok) {
    throw new Error(`the database answered ${response.status}: ${await response.text()}`);
  }
  const { types, rows } = (await response.json()) as { types: { name: string }[] | null; rows: (string | null)[][] | null };
  return (rows ?? []).map((row) => Object.fromEntries(row.map((value, i) => [types![i].name, value])));
}

/** fill puts quoted values in place of question marks: the endpoint takes no parameters. */
function fill(sql: string, values: Value[]): string {
  const parts = sql.split("?");
  if (parts.length !== values.length + 1) {
    throw new Error(`${parts.length - 1} question marks and ${values.length} values`);
  }
  return parts.reduce((text, part, i) => text + literal(values[i - 1]) + part);
}

const escapes: Record<string, string> = { "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z", "'": "\\'", '"': '\\"', "\\": "\\\\" };

function literal(value: Value): string {
  if (value === null || typeof value === "number") {
    return String(value);
  }
  return `'${value.replace(/[\0\n\r\x1a'"\\]/g, (c) => escapes[c])}'`;
}
