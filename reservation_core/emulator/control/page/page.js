// The emulator's page: it shows what the control surface tells, and asks it for what a button stands for. It decides nothing.
//
// Everything is fetched once and from then on told by the feed. Whatever comes from outside is set as text, never as markup.

const MOST_ROWS = 300; // reservations that are listed at once
const MOST_ENTRIES = 300; // journal entries that are shown at once
const REMEMBERED = 5000; // journal entries that are kept
const SOON = 10; // seconds before a timer ends at which it stands out
const FORM = "application/x-www-form-urlencoded";
const LIVE = ["pending", "onHold", "accepted", "wrapping"];
const STATES = [...LIVE, "completed", "rejected", "timeout", "canceled", "rescinded"];
const GONE = "The emulator does not answer. Start it again (reservation-core serve): this page goes on by itself.";

const held = new Map(); // reservations by SID
const rows = new Map(); // their rows in the list
const written = new Map(); // journal entries by kind and number
const time = { told: 0, at: 0, pace: 0 }; // the emulator's time in ms, when it was told, and how fast it passes
const here = { run: "", offers: [], total: 0, selected: "", lost: false, due: 0, drawing: 0, centred: "" };
const read = { act: 0, exchange: 0, notice: 0 }; // up to which numbers the journal was fetched; the feed may be further on
const picture = document.querySelector("svg.lifecycle");

/** Find an element of the page. */
const one = (id) => document.getElementById(id);

/** Make an element of a class that holds text or other elements. */
function make(tag, name = "", ...content) {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...content.filter((each) => each !== null && each !== ""));
  return made;
}

/** Let a parent hold exactly these elements in this order, moving no more of them than it must. */
function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((each, place) => {
    if (parent.children[place] !== each) parent.insertBefore(each, parent.children[place] ?? null);
  });
}

/** Write a SID by its kind and its end. */
const short = (sid) => (sid?.length > 14 ? `${sid.slice(0, 2)}…${sid.slice(-8)}` : (sid ?? "–"));

/** Name a state as a person would. */
const named = (state) => (state === "onHold" ? "on hold" : state);

/** Write seconds as minutes and seconds, begun ones counted. */
function minutes(seconds) {
  const whole = Math.max(0, Math.ceil(seconds - 0.001));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Tell what time it is at the emulator, in ms. */
const now = () => time.told + (performance.now() - time.at) * time.pace;

// --- asking ---------------------------------------------------------------------------------------------------------------------

/** Ask the emulator for something, and give what it answers. */
async function ask(method, path, body = null, type = "application/json") {
  let reply;
  try {
    const headers = body === null ? {} : { "Content-Type": type };
    reply = await fetch(path, { method, body, headers, credentials: "omit", cache: "no-store" });
  } catch {
    throw new Error(GONE);
  }
  const said = await reply.json();
  if (!reply.ok) throw new Error(said.error ?? said.message ?? `The emulator answered ${reply.status}.`);
  return said;
}

/** Do something, and say what went wrong with it. */
async function attempt(something) {
  try {
    await something();
    if (!here.lost) warn("");
  } catch (error) {
    warn(error.message);
  }
}

/** Say what is wrong, or that nothing is any more. */
function warn(text) {
  one("alert-text").textContent = text;
  one("alert").hidden = !text;
}

/** Fetch how everything stands, and what of the journal was missed. */
async function load() {
  const [overview, acts, exchanges, notices] = await Promise.all([
    ask("GET", "overview"),
    ask("GET", `journal?since=${read.act}`),
    ask("GET", `exchanges?since=${read.exchange}`),
    ask("GET", `notices?since=${read.notice}`),
  ]);
  tick(overview);
  here.offers = overview.offers;
  here.total = overview.held;
  held.clear();
  for (const reservation of overview.reservations) held.set(reservation.sid, reservation);
  acts.acts.forEach(addAct);
  exchanges.exchanges.forEach(addExchange);
  notices.sent.forEach(addNotice);
  Object.assign(read, { act: acts.told, exchange: exchanges.told, notice: notices.sent.at(-1)?.number ?? read.notice });
  draw();
}

/** Fetch it again, once for all that asks for it within a moment. */
function reload() {
  clearTimeout(here.due);
  here.due = setTimeout(() => attempt(load), 100);
}

/** Take over the emulator's time. */
function tick(told) {
  Object.assign(time, { told: Date.parse(told.now), at: performance.now(), pace: told.pace });
}

// --- hearing --------------------------------------------------------------------------------------------------------------------

/** Listen to the feed for as long as the page is open. */
function listen() {
  const feed = new EventSource("events");
  const heard = {
    here: greet,
    act: (told) => {
      for (const reservation of told.reservations) {
        if (!held.has(reservation.sid)) here.total += 1;
        held.set(reservation.sid, reservation);
      }
      addAct(told);
    },
    exchange: addExchange,
    notice: addNotice,
    clock: tick,
    gone: reload,
  };
  for (const [kind, take] of Object.entries(heard)) {
    feed.addEventListener(kind, (event) => {
      take(JSON.parse(event.data));
      redraw();
    });
  }
  feed.onerror = () => {
    here.lost = true;
    link("lost", "no answer, trying again");
    warn(GONE);
    if (feed.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
  };
}

/** Begin with an emulator, or go on with it: one that was started anew counts from the beginning. */
function greet(told) {
  if (told.run !== here.run) {
    here.run = told.run;
    Object.assign(read, { act: 0, exchange: 0, notice: 0 });
    written.clear();
  }
  here.lost = false;
  tick(told);
  attempt(async () => {
    await load();
    if (!here.lost) link("live", "live");
  });
}

/** Show how the connection is. */
function link(state, text) {
  one("link").dataset.link = state;
  one("link").textContent = text;
}

// --- the journal ----------------------------------------------------------------------------------------------------------------

/** Write down an act: what moved a reservation, and on what ground. */
function addAct(act) {
  const after = act.reservation.on_hold ? "onHold" : act.reservation.status;
  const command = act.trigger !== after || act.by === "client";
  const what = act.before === null ? "Reserved" : `${named(act.before)} → ${named(after)}`;
  const reason = [act.reason, act.code && `code ${act.code}`].filter(Boolean).join(", ");
  const more = [`${act.trigger} by the ${act.by}`, reason, `version ${act.version}`, `task ${act.task_status}`].filter(Boolean).join(" · ");
  const kind = act.before === null ? "" : command ? "command" : "fact";
  write({ key: `act ${act.number}`, order: act.number, at: act.at, sid: act.sid, kind, label: "decision", what, more, why: act.why, act, after });
}

/** Write down a request and its answer, and why it was refused. */
function addExchange(exchange) {
  const { number, after, at, sid, method, status, fault, reason: why } = exchange;
  const refused = status === null || status >= 400;
  const more = [`${method} ${exchange.path}`, `${(exchange.seconds * 1000).toFixed(1)}\u00a0ms`, fault].filter(Boolean).join(" · ");
  const what = `${exchange.request || method} → ${status ?? "no reply"}`;
  const said = status === null ? "" : exchange.reply.replace(`${status} `, "");
  const label = refused ? "refused" : "request";
  write({ key: `exchange ${number}`, order: after + 0.5, at, sid, kind: "request", label, what, said, more, why, refused });
}

/** Write down a notice that was sent, and what came of it. */
function addNotice(notice) {
  const { number, at, event, kind, status, outcome, reservation_sid: sid, notice: owed, ...rest } = notice;
  const before = [...written.values()].filter((each) => each.act && Date.parse(each.at) <= Date.parse(at));
  const order = Math.max(0, ...before.map((each) => each.order)) + 0.2;
  const what = `${event ?? kind} → ${status ?? "no reply"}`;
  const parts = Object.entries(rest).filter(([, value]) => value !== null && value !== "" && value !== false);
  const more = parts.filter(([, value]) => typeof value !== "object").map(([name, value]) => `${name}: ${value}`).join(" · ");
  const all = parts.filter(([, value]) => typeof value === "object");
  const refused = status === null || status >= 400;
  write({ key: `notice ${number}`, order, at, sid, kind: "notice", label: "notice", what, said: outcome, more, all, refused });
}

/** Keep an entry, once, and let the oldest go. */
function write(entry) {
  if (written.has(entry.key)) return;
  written.set(entry.key, entry);
  if (written.size > REMEMBERED) written.delete(written.keys().next().value);
}

/** Give the element that shows an entry, made when it is first asked for. */
function shown(entry) {
  if (!entry.element) {
    const at = make("time", "", entry.at ? entry.at.slice(11, 23).replace(/[+Z].*/, "") : "");
    at.dateTime = at.title = entry.at ?? "";
    const body = make("div", "", make("p", "what", entry.what));
    if (entry.said) body.append(make("p", "said", entry.said));
    body.append(make("p", "more", entry.more));
    for (const [name, value] of entry.all ?? []) {
      body.append(make("details", "more", make("summary", "", name), make("pre", "", JSON.stringify(value, null, 1))));
    }
    if (entry.why) body.append(make("p", "why", entry.why));
    entry.element = make("li", `entry${entry.refused ? " refused" : ""}`, at, make("span", `kind ${entry.kind}`, entry.label), body);
  }
  return entry.element;
}

// --- drawing --------------------------------------------------------------------------------------------------------------------

/** Draw soon, once for all that was told until then. */
function redraw() {
  if (!here.drawing) here.drawing = setTimeout(draw, 16);
}

/** Draw everything as it stands. */
function draw() {
  clearTimeout(here.drawing);
  here.drawing = 0;
  if (!here.selected && held.size) here.selected = [...held.keys()].at(-1);
  drawList();
  drawSelected();
  light();
  drawOffers();
  drawJournal();
  drawTimers();
}

/** Draw the list: the newest on top, of those that the filter lets pass. */
function drawList() {
  const all = [...held.values()].sort((a, b) => b.number - a.number);
  const text = one("filter").value.trim().toLowerCase();
  const status = one("status").value;
  const fits = (each) =>
    (!status || each.state === status || (status === "live" && LIVE.includes(each.state))) &&
    [each.sid, each.task_sid, each.worker_sid, each.worker_name].some((value) => value?.toLowerCase().includes(text));
  const found = all.filter(fits);
  for (const sid of [...rows.keys()]) if (!held.has(sid)) rows.delete(sid);
  arrange(one("rows"), found.slice(0, MOST_ROWS).map(drawRow));
  const passed = found.length < all.length ? `${found.length} of ${all.length}` : `${all.length}`;
  const rest = here.total > all.length ? `, newest of ${here.total}` : found.length > MOST_ROWS ? `, first ${MOST_ROWS} shown` : "";
  one("count").textContent = passed + rest;
  one("unmatched").hidden = found.length > 0;
  one("unmatched").textContent = all.length ? "None that the filter lets pass." : "None.";
  one("rows").hidden = !found.length;
  one("empty").hidden = held.size > 0;
}

/** Draw one row of the list. */
function drawRow(reservation) {
  let row = rows.get(reservation.sid);
  if (!row) {
    const button = make("button", "row", make("span", "standing"), make("span", "timer"), make("span", "worker"), make("span", "version"));
    button.type = "button";
    button.title = reservation.sid;
    button.addEventListener("click", () => select(reservation.sid, true));
    row = make("li", "", button);
    rows.set(reservation.sid, row);
  }
  const [state, , worker, version] = row.firstChild.children;
  drawState(state, reservation.state);
  worker.replaceChildren(make("span", "short", short(reservation.sid)), ` ${reservation.worker_name ?? ""}`);
  version.textContent = `version ${reservation.version}`;
  row.firstChild.setAttribute("aria-pressed", String(reservation.sid === here.selected));
  return row;
}

/** Draw a state with its colour. */
function drawState(element, state) {
  element.className = "standing";
  element.dataset.state = state;
  element.textContent = named(state);
}

/** Draw what is known of the selected reservation. */
function drawSelected() {
  const reservation = held.get(here.selected);
  one("detail").hidden = !here.selected;
  if (!here.selected) return;
  one("sid").textContent = here.selected;
  drawState(one("state"), reservation?.state ?? "gone");
  if (!reservation) {
    one("facts").replaceChildren(make("div", "", make("dd", "quiet", "It is not held: its task was deleted, or it never was here.")));
    return;
  }
  const told = {
    Timer: make("span", "timer"),
    Version: reservation.version,
    Worker: reservation.worker_name ? `${reservation.worker_name} (${short(reservation.worker_sid)})` : short(reservation.worker_sid),
    Task: `${reservation.task_status} (${short(reservation.task_sid)})`,
    ...(reservation.transfer && { Transfer: "the second of a task that is worked on" }),
    ...(reservation.code && { "Reason code": String(reservation.code) }),
  };
  one("facts").replaceChildren(...Object.entries(told).map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
}

/** Light the selected reservation's place in the picture, and the way it came. */
function light() {
  const reservation = held.get(here.selected);
  for (const lit of picture.querySelectorAll(".here, .walked, .passed")) lit.classList.remove("here", "walked", "passed");
  picture.classList.toggle("lit", Boolean(reservation));
  if (!reservation) return;
  for (const { act, after } of written.values()) {
    if (act?.sid !== here.selected || act.before === null) continue;
    const edge = one(`edge-${act.before}-${act.trigger}-${after}`);
    for (const part of [edge, edge?.closest(".line")]) part?.classList.add("walked");
    one(`state-${act.before}`).classList.add("passed");
  }
  one(`state-${reservation.state}`).classList.add("here");
  if (here.centred !== reservation.sid + reservation.state) centre();
  here.centred = reservation.sid + reservation.state;
}

/** Bring the lit place to the middle, where the picture is wider than the page. */
function centre() {
  const box = picture.querySelector(".here").getBBox();
  const scale = picture.clientWidth / picture.viewBox.baseVal.width;
  one("scroll").scrollLeft = (box.x + box.width / 2) * scale - one("scroll").clientWidth / 2;
}

/** Draw what may happen now: a row of buttons for each kind, enabled where the emulator says it is possible. */
function drawOffers() {
  const reservation = held.get(here.selected);
  const section = one("offers");
  section.hidden = !reservation;
  if (!section.childElementCount) {
    for (const of of new Set(here.offers.map((offer) => offer.of))) {
      const group = make("div", "buttons", ...here.offers.filter((offer) => offer.of === of).map(drawOffer));
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", of);
      section.append(make("h3", "", of), group);
    }
  }
  for (const button of section.querySelectorAll("button")) button.disabled = !reservation?.may.includes(button.dataset.name);
}

/** Draw one button. */
function drawOffer(offer) {
  const button = make("button", offer.path ? "fact" : "asks", offer.says);
  button.type = "button";
  button.dataset.name = offer.name;
  button.addEventListener("click", () =>
    attempt(() => {
      const { sid, task_sid: task, path } = held.get(here.selected);
      if (!offer.path) return ask(offer.method, path, offer.body, FORM);
      return ask(offer.method, `.${offer.path.replace("WR", sid).replace("WT", task)}`, offer.body && JSON.stringify(offer.body));
    }),
  );
  return button;
}

/** Draw the journal, the newest on top. */
function drawJournal() {
  const every = one("every").checked || !here.selected;
  const refused = one("refused").checked;
  const wanted = [...written.values()].filter((each) => (every || each.sid === here.selected) && (!refused || each.refused));
  wanted.sort((a, b) => b.order - a.order || b.key.localeCompare(a.key, "en", { numeric: true }));
  arrange(one("entries"), wanted.slice(0, MOST_ENTRIES).map(shown));
  one("silent").hidden = wanted.length > 0;
}

/** Draw the clock and every timer that is in sight. */
function drawTimers() {
  if (time.at) {
    one("now").textContent = new Date(now()).toISOString().slice(11, 19);
    one("pace").textContent = time.pace === 0 ? "UTC, moved by hand" : time.pace === 1 ? "UTC, real time" : `UTC, ${time.pace} times as fast`;
  }
  for (const [sid, row] of rows) drawTimer(row.firstChild.children[1], held.get(sid));
  const timer = one("facts").querySelector(".timer");
  if (timer) drawTimer(timer, held.get(here.selected));
}

/** Draw how long a reservation has left: running, paused while it is on hold, or nothing. */
function drawTimer(element, reservation) {
  const left = reservation?.due ? (Date.parse(reservation.due) - now()) / 1000 : null;
  const paused = reservation?.state === "onHold";
  const text = left !== null ? minutes(left) : paused ? `paused${reservation.left === null ? "" : ` at ${minutes(reservation.left)}`}` : "–";
  if (element.textContent !== text) element.textContent = text;
  element.classList.toggle("paused", paused);
  element.classList.toggle("soon", left !== null && left <= SOON);
}

// --- what a person does ---------------------------------------------------------------------------------------------------------

/** Select a reservation, and bring it into sight where the list is not beside it. */
function select(sid, asked = false) {
  here.selected = sid;
  if (location.hash.slice(1) !== sid) history.replaceState(null, "", `#${sid}`);
  draw();
  if (asked && matchMedia("(max-width: 900px)").matches) one("detail").scrollIntoView();
}

/** Copy the selected SID, or mark it where the browser lets nothing be copied. */
async function copy() {
  try {
    await navigator.clipboard.writeText(here.selected);
    one("copied").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(one("sid"));
    one("copied").textContent = "Marked: copy it with your keyboard";
  }
  setTimeout(() => (one("copied").textContent = ""), 2000);
}

/** Go up and down the list by the arrow keys. */
function walk(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  const all = [...one("rows").querySelectorAll("button")];
  const next = all[all.indexOf(document.activeElement) + steps[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

/** Plant the example: two workers who are both reserved for one task. */
async function plant() {
  const sid = (prefix) => prefix + [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const workspace_sid = sid("WS");
  const workers = ["Ada", "Grace"].map((name) => ({ workspace_sid, sid: sid("WK"), name, attributes: { contact_uri: `client:${name.toLowerCase()}` } }));
  const reservations = workers.map((worker) => ({ worker_sid: worker.sid }));
  const attributes = { call_sid: sid("CA"), from: "+15005550006" };
  await ask("POST", "seed", JSON.stringify({ workers, tasks: [{ workspace_sid, attributes, reservations }] }));
  await load();
  select([...held.keys()].at(-2));
}

/** Show the settings when they are first asked for. */
async function showSettings() {
  if (one("set").childElementCount) return;
  const settings = await ask("GET", "settings");
  for (const [name, { value, description, evidence, source }] of Object.entries(settings)) {
    const known = [evidence, source].filter(Boolean).join(": ");
    one("set").append(make("div", "", make("dt", "", name), make("dd", "", `${JSON.stringify(value)} `, make("span", "quiet", `${description}${known && ` [${known}]`}`))));
  }
}

/** Say how a state is chosen in the filter. */
function choice(value, text) {
  const made = make("option", "", text);
  made.value = value;
  return made;
}

one("status").append(choice("", "every status"), choice("live", "live"), ...STATES.map((state) => choice(state, named(state))));
one("base").textContent = `client.taskrouter.base_url = "${location.origin}"  # Python\nclient.taskrouter.baseUrl = "${location.origin}";  // Node`;
for (const id of ["filter", "status", "every", "refused"]) one(id).addEventListener("input", draw);
for (const button of one("passing").querySelectorAll("button")) {
  button.addEventListener("click", () => attempt(() => ask("POST", "clock", JSON.stringify({ seconds: Number(button.dataset.seconds) }))));
}
one("rows").addEventListener("keydown", walk);
one("copy").addEventListener("click", copy);
one("try").addEventListener("click", () => attempt(plant));
one("alert-close").addEventListener("click", () => warn(""));
one("settings").addEventListener("toggle", () => attempt(showSettings));
addEventListener("hashchange", () => select(location.hash.slice(1)));
here.selected = location.hash.slice(1);
setInterval(drawTimers, 250);
listen();
