// Runs Pages sites and their Workers on Miniflare, with the asset handler of wrangler:
//
//	node --input-type=module --eval SCRIPT FOLDER/node_modules
//
// Each line of standard input is the program of a site, as program.go makes it, and replaces the
// one before of that site. A line of standard output answers with the program's address, with what
// a Worker threw as it started, or with another error. Each site has a Miniflare, and so a workerd,
// of its own: what one breaks leaves the others alone. What Workers print goes to standard error.
// The script ends when its standard input is closed, so also when the process at the other end is
// killed.
import fs from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[1]}/`);
const { convertV4MiniflareOptions, fetch, Log, LogLevel, Miniflare, Response } = require("miniflare");

console.log = console.info = console.debug = console.error; // standard output is for answers
process.stdin.on("end", () => process.exit()); // on exit Miniflare kills the runtime

// The asset handler fails for a path below a file, which names no file: .github/UPSTREAM.md, 12.
const { lstatSync } = fs;
fs.lstatSync = (path, options) => {
  try {
    return lstatSync(path, options);
  } catch (error) {
    if (error.code !== "ENOTDIR") throw error;
  }
};

// Site is a Miniflare that runs one program after the other.
class Site {
  handleStructuredLogs = ({ message }) => {
    const failure = /^service core:user:[^:]*: (Uncaught .*)/s.exec(message);
    if (failure) this.thrown = failure[1];
    else console.error(message);
  };

  // A Worker reaches only the site itself and the database.
  // https://github.com/tidbcloud/serverless-js/blob/main/packages/serverless/src/serverless.ts
  outboundService = async (request) => {
    const { host, hostname, pathname, port } = new URL(request.url);
    if (this.program.hosts.includes(hostname) && port === this.program.port) return this.miniflare.dispatchFetch(request);
    if (!hostname.startsWith("http-") || pathname !== "/v1beta/sql") {
      return new Response(`the sandbox is offline: Workers reach no other host than the database, and not ${host}`, { status: 502 });
    }
    const { method, headers } = request;
    return fetch(new URL(pathname, this.program.sql), { method, headers, body: await request.arrayBuffer() });
  };

  worker = ({ name, date, flags, modules, vars, services }) => ({
    name, compatibilityDate: date, compatibilityFlags: flags,
    modules: modules.map(module), bindings: vars, serviceBindings: services, outboundService: this.outboundService,
  });

  // The handler reads _headers and _redirects, and watches them until it is aborted.
  handler = { stop: new AbortController() };
  async assets(directory) {
    if (this.handler.directory === directory) return this.handler.fetch;
    const quiet = () => {};
    const log = { debug: quiet, log: quiet, info: quiet, warn: console.error, error: console.error };
    const stop = new AbortController();
    const options = { directory, log: { ...log, once: log }, signal: stop.signal };
    const binding = await require("wrangler").unstable_generateASSETSBinding(options);
    this.handler.stop.abort();
    this.handler = { directory, stop, fetch: binding };
    return binding;
  }

  async run(program) {
    [this.program, this.thrown] = [program, undefined];
    for (const line of program.missing ?? []) {
      if (!said.has(line)) console.error(line);
      said.add(line);
    }
    const workers = (program.workers ?? []).map(this.worker);
    if (program.directory) {
      const ASSETS = await this.assets(program.directory);
      const functions = workers.find(({ name }) => name === "Functions");
      if (functions) functions.serviceBindings = { ...functions.serviceBindings, ASSETS };
      workers.unshift(router(functions ? program.routes : { include: [], exclude: [] }, ASSETS, functions));
    }
    const options = convertV4MiniflareOptions({
      // request.cf is Miniflare's placeholder; otherwise it would be fetched.
      cf: false,
      host: "127.0.0.1", port: 0, log: new Log(LogLevel.ERROR), handleStructuredLogs: this.handleStructuredLogs,
      telemetry: { enabled: false }, workers,
    });
    if (this.miniflare) await this.miniflare.setOptions(options);
    else this.miniflare = new Miniflare(options);
    return { address: (await this.miniflare.ready).host };
  }
}

// Miniflare has no JSON modules.
function module({ name, type, content }) {
  const bytes = Buffer.from(content, "base64");
  if (type === "JSON") return { path: name, type: "ESModule", contents: `export default ${bytes}` };
  const binary = type === "Data" || type === "CompiledWasm";
  return { path: name, type, contents: binary ? bytes : bytes.toString() };
}

// router chooses between files and Functions by wrangler's own rules. wrangler's template imports
// the Functions; here they are another Worker.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/wrangler/templates/pages-dev-pipeline.ts
function router(routes, ASSETS, functions) {
  const wrangler = require.resolve("wrangler/package.json");
  const { transformSync } = createRequire(wrangler)("esbuild");
  const template = (name) => ({
    path: name, type: "ESModule",
    contents: transformSync(fs.readFileSync(new URL(`templates/${name}.ts`, `file://${wrangler}`), "utf8"),
      { loader: "ts", define: { __ROUTES__: JSON.stringify(routes) } }).code,
  });
  const entry = "export default { fetch: (request, env) => env.FUNCTIONS.fetch(request) };";
  return {
    name: "Pages", compatibilityDate: "2026-01-01",
    modules: [template("pages-dev-pipeline"), template("pages-dev-util"), { path: "__ENTRY_POINT__", type: "ESModule", contents: entry }],
    serviceBindings: functions ? { ASSETS, FUNCTIONS: functions.name } : { ASSETS },
  };
}

const said = new Set();
const sites = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const program = JSON.parse(line);
  if (!sites.has(program.site)) sites.set(program.site, new Site());
  const site = sites.get(program.site);
  const answer = await site.run(program).catch((error) => (site.thrown ? { thrown: site.thrown } : { error: `${error.stack}` }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
