// The overview: devices and rollouts are read again when the project's event stream tells of something, and now and then for presence.
const SHOWN_EVENTS = 40;
const SHOWN_DEVICES = 200;
const REFRESH_MS = 700;
const PRESENCE_MS = 10_000;

const select = document.querySelector("#project");
const names = new Map();
const live = { stream: undefined };

async function get(path) {
  const response = await fetch(`/api/v1${path}`, { headers: { accept: "application/json" } });
  if (response.status === 401) location.replace("/sign-in");
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** An element with a class and children; texts go in as text, never as HTML. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const short = (digest) => (digest ?? "").replace("sha256:", "").slice(0, 8);
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const base = () => `/projects/${encodeURIComponent(select.value)}`;

function appLine([name, app]) {
  const moving = app.phase !== undefined && app.phase !== "idle";
  const bad = app.verdict !== undefined && app.verdict.kind !== "commit";
  const state = moving ? app.phase : bad ? app.verdict.kind : app.release ? "running" : "waiting";
  const line = make("div", "", `${name} `, make("code", "faint", short(app.release)), " ");
  line.append(make("span", moving ? "busy" : bad ? "bad" : app.release ? "good" : "faint", state));
  if (bad) line.title = app.verdict.reason;
  return line;
}

function deviceRow(device) {
  const mark = { online: "good", offline: "", revoked: "bad" }[device.status];
  const labels = Object.entries(device.labels).map(([key, value]) => (value ? `${key}=${value}` : key));
  const name = make("td", "", make("span", `dot ${mark}`), device.name, make("div", "faint", labels.join(", ")));
  name.title = device.status;
  const apps = Object.entries(device.apps).map(appLine);
  return make("tr", "", name, make("td", "", ...(apps.length > 0 ? apps : [make("span", "faint", "no app yet")])));
}

function rolloutItem(rollout) {
  const { committed, failed } = rollout.counts;
  const total = Object.values(rollout.counts).reduce((sum, count) => sum + count, 0);
  const tone = { stopped: "bad", aborted: "bad", finished: "good" }[rollout.state] ?? "busy";
  const bar = make("progress", "");
  bar.max = Math.max(total, 1);
  bar.value = committed;
  const head = make(
    "div",
    "",
    `${rollout.app} `,
    make("code", "", rollout.tag),
    " ",
    make("span", tone, rollout.state),
  );
  const counts = `${committed} of ${total} committed${failed > 0 ? `, ${failed} failed` : ""}`;
  const reason = rollout.reason ? make("div", "bad", rollout.reason.message) : "";
  return make("li", "", head, bar, make("div", "faint", counts), reason);
}

/** `device/<id>` by the device's name, digests and ids by a few characters: the whole text stands in the title. */
function readable(subject) {
  const slash = subject.indexOf("/");
  const [kind, id] = [subject.slice(0, slash), subject.slice(slash + 1)];
  const name = names.get(id);
  if (name !== undefined) return `${kind} ${name}`;
  if (/^[0-9a-f-]{36}$/.test(id)) return `${kind} …${id.slice(-6)}`;
  return `${kind} ${id.replace(/sha256:([0-9a-f]{8})[0-9a-f]{56}/, "$1")}`;
}

function eventItem(event) {
  const tone = /blocked|refused|rolled-back|stopped|revoked|aborted/.test(event.action) ? "bad" : "";
  const { kind, id, name } = event.actor;
  const line = make("li", "", make("time", "", clock(event.at)), make("span", tone, event.action));
  line.append(
    " ",
    make("code", "", readable(event.subject)),
    make("span", "faint", ` by ${name ?? readable(`${kind}/${id}`)}`),
  );
  line.title = event.subject;
  return line;
}

async function refresh() {
  const [devices, rollouts] = await Promise.all([
    get(`${base()}/devices?limit=${SHOWN_DEVICES}`),
    get(`${base()}/rollouts?limit=8`),
  ]);
  const online = devices.items.filter((device) => device.status === "online").length;
  for (const device of devices.items) names.set(device.id, device.name);
  const more = devices.next ? "+" : "";
  document.querySelector("#device-count").textContent = `${online} online of ${devices.items.length}${more}`;
  fill("#devices", devices.items.map(deviceRow), make("tr", "", make("td", "faint", "No device has enrolled yet.")));
  fill("#rollouts", rollouts.items.map(rolloutItem), make("li", "faint", "Nothing has been rolled out yet."));
}

function fill(selector, items, empty) {
  document.querySelector(selector).replaceChildren(...(items.length > 0 ? items : [empty]));
}

/** Calls `action` once, `ms` after the first of a burst of calls. */
function soon(action, ms) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      action();
    }, ms);
  };
}

const refreshSoon = soon(() => refresh().catch(showTrouble), REFRESH_MS);

function showTrouble() {
  document.querySelector("#live").textContent = "no answer; trying again …";
}

async function follow() {
  live.stream?.close();
  const { items } = await get(`${base()}/events?order=desc&limit=${SHOWN_EVENTS}`);
  const list = document.querySelector("#events");
  list.replaceChildren(...items.map(eventItem));
  const stream = new EventSource(`/api/v1${base()}/events?after=${items[0]?.seq ?? 0}`);
  live.stream = stream;
  stream.onopen = () => {
    document.querySelector("#live").textContent = "live";
  };
  stream.onerror = showTrouble;
  stream.onmessage = (message) => {
    list.prepend(eventItem(JSON.parse(message.data)));
    while (list.children.length > SHOWN_EVENTS) list.lastChild.remove();
    refreshSoon();
  };
}

async function showProject() {
  // Devices first: what happened is told by their names.
  await refresh();
  await follow();
}

document.querySelector("#sign-out").addEventListener("click", async () => {
  await fetch("/api/v1/session", { method: "DELETE" });
  location.replace("/sign-in");
});
document.querySelector("#command-line").addEventListener("click", async () => {
  const headers = { "content-type": "application/json" };
  const response = await fetch("/api/v1/session/code", { method: "POST", headers, body: "{}" });
  const { code } = await response.json();
  const { publicUrl, caFingerprint } = await get("/server");
  const pin = caFingerprint ? ` --ca-fingerprint ${caFingerprint}` : "";
  document.querySelector("#login code").textContent = `flotilla login ${publicUrl} --code ${code}${pin}`;
  document.querySelector("#login").showModal();
});
select.addEventListener("change", () => showProject().catch(showTrouble));

const me = await get("/me");
document.querySelector("#who").textContent = me.name;
select.replaceChildren(...me.projects.map((project) => make("option", "", project.name)));
if (select.value) await showProject().catch(showTrouble);
setInterval(refreshSoon, PRESENCE_MS);
