// The page works with text only: what a visitor wrote never becomes markup.

const projectList = document.querySelector("#project-list");
const guestList = document.querySelector("#guest-list");
const form = document.querySelector("#guest-form");
const status = document.querySelector("#status");

function element(name, text, attributes = {}) {
  const e = Object.assign(document.createElement(name), { textContent: text });
  for (const [key, value] of Object.entries(attributes)) {
    e.setAttribute(key, value);
  }
  return e;
}

async function call(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(body.error ?? "Something went wrong. Please try again.");
  }
  return body;
}

// show fills a list, or says why it is empty.
async function show(list, path, toItem, empty) {
  try {
    const { rows } = await call(path);
    list.replaceChildren(...(rows.length ? rows.map(toItem) : [element("li", empty, { class: "quiet" })]));
  } catch (error) {
    list.replaceChildren(element("li", error.message, { class: "quiet" }));
  }
  list.removeAttribute("aria-busy");
}

function project({ name, summary, url, year }) {
  const card = element("article", "");
  const title = element("h3", url ? "" : name);
  if (url) {
    title.append(element("a", name, { href: url }));
  }
  card.append(title, element("time", year, { datetime: year }), element("p", summary));
  const item = element("li", "");
  item.append(card);
  return item;
}

function guest({ name, message, at }) {
  const day = new Date(at).toLocaleDateString("en", { dateStyle: "medium" });
  const head = element("p", "");
  head.append(element("strong", name), element("time", day, { datetime: at }));
  const item = element("li", "");
  item.append(head, element("p", message));
  return item;
}

const showGuests = () => show(guestList, "/api/guestbook", guest, "Be the first to sign.");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  status.textContent = "";
  try {
    await call("/api/guestbook", { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" } });
    form.reset();
    status.textContent = "Thank you!";
    await showGuests();
  } catch (error) {
    status.textContent = error.message;
  }
  button.disabled = false;
});

show(projectList, "/api/projects", project, "No projects yet.");
showGuests();
