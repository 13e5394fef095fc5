// Serves deployments as Pages does, on Cloudflare's runtime and with its asset handler, and
// prints what each of them answers:
//
//	node answers.mjs FOLDER/node_modules <input.json >answers.json
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(`${process.argv[2]}/`);
const { convertV4MiniflareOptions, Miniflare, Request } = require("miniflare");
const { unstable_generateASSETSBinding } = require("wrangler");

const quiet = () => {};
const log = { debug: quiet, log: quiet, info: quiet, warn: console.error, error: console.error, once: {} };
Object.assign(log.once, log);

// A rule "/a/*" is for "/a" too.
// https://developers.cloudflare.com/pages/functions/routing/#create-a-_routesjson-file
const pattern = (rule) => RegExp(`^${rule.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/(?<=.)\/\*$/, "(/*)?").replaceAll("*", ".*")}$`);
const matches = (rules, path) => rules.some((rule) => pattern(rule).test(path));

const { sites, asks, api, date, flags } = JSON.parse(await text(process.stdin));
const runtime = { compatibilityDate: date, compatibilityFlags: flags };
const all = [];
for (const { folder, modules, routes } of sites) {
  const assets = await unstable_generateASSETSBinding({ log, directory: `${folder}/assets` });
  const pages = modules && new Miniflare(convertV4MiniflareOptions({
    cf: { country: "AT" },
    workers: [
      { name: "site", ...runtime, modulesRoot: `${folder}/modules`, modules, serviceBindings: { ASSETS: assets, API_SERVICE: "api" } },
      { name: "api", ...runtime, modules: true, script: api },
    ],
  }));
  const answers = [];
  for (const { path, ...init } of asks) {
    const request = new Request(new URL(path, "https://site.pages.dev"), { ...init, redirect: "manual" });
    const { pathname } = new URL(request.url);
    const runs = modules && (!routes || (matches(routes.include, pathname) && !matches(routes.exclude, pathname)));
    const answer = await (runs ? pages.dispatchFetch(request) : assets(request));
    const headers = [...answer.headers].filter(([name]) => name !== "date").map(([name, value]) => `${name}: ${value}\n`).join("");
    answers.push(`${answer.status}\n${headers}\n${await answer.text()}`);
  }
  all.push(answers);
  await pages?.dispose();
}
// The asset handler watches its folder, and would do so for ever.
process.stdout.write(JSON.stringify(all), () => process.exit());
