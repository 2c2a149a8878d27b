// The emulator's page: it shows the emulator's state and sends a request for each button.
//
// Everything is fetched once. From then on the event feed reports each change. Text from outside is
// set as text, never as markup.

const MOST_ROWS = 300; // reservations that are listed at once
const MOST_ENTRIES = 300; // journal entries that are shown at once
const REMEMBERED = 5000; // journal entries that are kept
const SOON = 10; // seconds before the end of a timer from which it is highlighted
const FORM = "application/x-www-form-urlencoded";
const LIVE = ["pending", "onHold", "accepted", "wrapping"];
const STATES = [...LIVE, "completed", "rejected", "timeout", "canceled", "rescinded"];
const NO_ANSWER = "The emulator does not answer. Start it again (reservation-core serve): this page reconnects by itself.";

const reservations = new Map(); // by SID
const rows = new Map(); // their rows in the list
const entries = new Map(); // journal entries by kind and number
const time = { reported: 0, at: 0, pace: 0 }; // the emulator's time in ms, when it was received, and its pace
const page = { run: "", actions: [], total: 0, selected: "", isLost: false, reloading: 0, drawing: 0, people: 0, centred: "" };
const read = { entry: 0, exchange: 0, callback: 0 }; // last numbers that were fetched; the feed may be ahead
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

/** Make these elements the children of a parent, in this order, moving as few as possible. */
function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((each, place) => {
    if (parent.children[place] !== each) parent.insertBefore(each, parent.children[place] ?? null);
  });
}

/** Shorten a SID to its prefix and its end. */
const short = (sid) => (sid?.length > 14 ? `${sid.slice(0, 2)}…${sid.slice(-8)}` : (sid ?? "–"));

/** Return a state as words. */
const named = (state) => (state === "onHold" ? "on hold" : state);

/** Format seconds as minutes and seconds, rounded up. */
function minutes(seconds) {
  const whole = Math.max(0, Math.ceil(seconds - 0.001));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Format a duration in ms or s, with two digits. */
function duration(seconds) {
  const [value, unit] = seconds < 0.9995 ? [seconds * 1000, "ms"] : [seconds, "s"];
  return `${value < 10 ? value.toPrecision(2) : Math.round(value)}\u00a0${unit}`;
}

/** Return the emulator's time in ms. */
const now = () => time.reported + (performance.now() - time.at) * time.pace;

// --- requests -------------------------------------------------------------------------------------------------------------------

/** Send a request to the emulator and return the JSON of its reply. */
async function send(method, path, body = null, type = "application/json") {
  let reply;
  try {
    const headers = body === null ? {} : { "Content-Type": type };
    reply = await fetch(path, { method, body, headers, credentials: "omit", cache: "no-store" });
  } catch {
    throw new Error(NO_ANSWER);
  }
  const content = await reply.json();
  if (!reply.ok) throw new Error(content.error ?? content.message ?? `The emulator answered ${reply.status}.`);
  return content;
}

/** Run an action and show its error. An older error is hidden first. */
async function attempt(action) {
  if (!page.isLost) warn("");
  try {
    await action();
  } catch (error) {
    warn(error.message);
  }
}

/** Show an error, or hide it when the text is empty. */
function warn(text) {
  one("alert-text").textContent = text;
  one("alert").hidden = !text;
}

/** Fetch all reservations, and the journal entries that are missing. */
async function load() {
  const [overview, journal, exchanges, callbacks] = await Promise.all([
    send("GET", "overview"),
    send("GET", `journal?since=${read.entry}`),
    send("GET", `exchanges?since=${read.exchange}`),
    send("GET", `callbacks/sent?since=${read.callback}`),
  ]);
  setTime(overview);
  page.actions = overview.actions;
  page.total = overview.total;
  reservations.clear();
  for (const reservation of overview.reservations) reservations.set(reservation.sid, reservation);
  journal.entries.forEach(addEntry);
  exchanges.exchanges.forEach(addExchange);
  callbacks.sent.forEach(addCallback);
  const callback = callbacks.sent.at(-1)?.number ?? read.callback;
  Object.assign(read, { entry: journal.last, exchange: exchanges.last, callback });
  draw();
}

/** Fetch everything again, once for all calls within 100 ms. */
function reload() {
  clearTimeout(page.reloading);
  page.reloading = setTimeout(() => attempt(load), 100);
}

/** Set the emulator's time. */
function setTime({ now, pace }) {
  Object.assign(time, { reported: Date.parse(now), at: performance.now(), pace });
}

// --- the feed -------------------------------------------------------------------------------------------------------------------

/** Read the event feed for as long as the page is open. */
function listen() {
  const feed = new EventSource("events");
  const handlers = {
    hello: start,
    entry: (entry) => {
      for (const reservation of entry.reservations) {
        if (!reservations.has(reservation.sid)) page.total += 1;
        reservations.set(reservation.sid, reservation);
      }
      addEntry(entry);
    },
    exchange: addExchange,
    callback: addCallback,
    clock: setTime,
    deleted: reload,
  };
  for (const [kind, handle] of Object.entries(handlers)) {
    feed.addEventListener(kind, (event) => {
      handle(JSON.parse(event.data));
      redraw();
    });
  }
  feed.onerror = () => {
    page.isLost = true;
    link("lost", "disconnected, reconnecting");
    warn(NO_ANSWER);
    if (feed.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
  };
}

/** Start or resume with an emulator. A new run of it numbers everything from 1. */
function start(event) {
  if (event.run !== page.run) {
    page.run = event.run;
    Object.assign(read, { entry: 0, exchange: 0, callback: 0 });
    entries.clear();
  }
  page.isLost = false;
  setTime(event);
  attempt(async () => {
    await load();
    if (!page.isLost) link("live", "live");
  });
}

/** Show the state of the connection. */
function link(state, text) {
  one("link").dataset.link = state;
  one("link").textContent = text;
}

// --- the journal ----------------------------------------------------------------------------------------------------------------

/** Add an entry of the emulator's journal, with the rule that allowed it. */
function addEntry(entry) {
  const after = entry.reservation.on_hold ? "onHold" : entry.reservation.status;
  const command = entry.trigger !== after || entry.by === "client";
  const what = entry.before === null ? "Reserved" : `${named(entry.before)} → ${named(after)}`;
  const reason = [entry.reason, entry.code && `code ${entry.code}`].filter(Boolean).join(", ");
  const more = [`${entry.trigger} by the ${entry.by}`, reason, `version ${entry.version}`, `task ${entry.task_status}`].filter(Boolean).join(" · ");
  const kind = entry.before === null ? "" : command ? "command" : "fact";
  keep({ key: `entry ${entry.number}`, order: entry.number, at: entry.at, sid: entry.sid, kind, label: "change", what, more, why: entry.rule, transition: entry, after });
}

/** Add a request of the emulated API, with its reply, and the reason of a refusal or what was tolerated. */
function addExchange(exchange) {
  const { number, after, at, sid, method, status, fault } = exchange;
  const why = exchange.reason || exchange.cautions.map((caution) => `Tolerated: ${caution}`).join(" ");
  const refused = status === null || status >= 400;
  const more = [`${method} ${exchange.path}`, duration(exchange.seconds), fault].filter(Boolean).join(" · ");
  const what = `${exchange.request || method} → ${status ?? "no reply"}`;
  const detail = status === null ? "" : exchange.reply.replace(`${status} `, "");
  const label = refused ? "refused" : "request";
  keep({ key: `exchange ${number}`, order: after + 0.5, at, sid, kind: "request", label, what, detail, more, why, refused });
}

/** Add a callback that was sent, with its result. */
function addCallback(sent) {
  const { number, at, event, kind, status, outcome, reservation_sid: sid, callback, seconds, ...rest } = sent;
  const before = [...entries.values()].filter((each) => each.transition && Date.parse(each.at) <= Date.parse(at));
  const order = Math.max(0, ...before.map((each) => each.order)) + 0.2;
  const what = `${event ?? kind} → ${status ?? "no reply"}`;
  const parts = Object.entries(rest).filter(([, value]) => value !== null && value !== "" && value !== false);
  const facts = parts.filter(([, value]) => typeof value !== "object").map(([name, value]) => `${name}: ${value}`);
  const more = [...facts, seconds !== null && duration(seconds)].filter(Boolean).join(" · ");
  const all = parts.filter(([, value]) => typeof value === "object");
  const refused = status === null || status >= 400;
  keep({ key: `callback ${number}`, order, at, sid, kind: "callback", label: "callback", what, detail: outcome, more, all, refused });
}

/** Keep an entry once, and drop the oldest beyond the limit. */
function keep(entry) {
  if (entries.has(entry.key)) return;
  entries.set(entry.key, entry);
  if (entries.size > REMEMBERED) entries.delete(entries.keys().next().value);
}

/** Return the element of an entry; it is made once. */
function entryElement(entry) {
  if (!entry.element) {
    const at = make("time", "", entry.at ? entry.at.slice(11, 23).replace(/[+Z].*/, "") : "");
    at.dateTime = at.title = entry.at ?? "";
    const body = make("div", "", make("p", "what", entry.what));
    if (entry.sid) body.append(drawSubject(entry));
    if (entry.detail) body.append(make("p", "result", entry.detail));
    body.append(make("p", "more", entry.more));
    for (const [name, value] of entry.all ?? []) {
      body.append(make("details", "more", make("summary", "", name), make("pre", "", JSON.stringify(value, null, 1))));
    }
    if (entry.why) body.append(make("p", "why", entry.why));
    entry.element = make("li", `entry${entry.refused ? " refused" : ""}`, at, make("span", `kind ${entry.kind}`, entry.label), body);
  }
  return entry.element;
}

/** Draw the reservation and worker of an entry, as a button that selects the reservation. */
function drawSubject({ sid, transition }) {
  const worker = (transition?.reservation ?? reservations.get(sid))?.worker_name;
  const button = make("button", "subject", make("span", "short", short(sid)), worker ? ` ${worker}` : "");
  button.type = "button";
  button.title = sid;
  button.addEventListener("click", () => select(sid, true));
  return button;
}

// --- drawing --------------------------------------------------------------------------------------------------------------------

/** Draw soon, once for all events until then. */
function redraw() {
  if (!page.drawing) page.drawing = setTimeout(draw, 16);
}

/** Draw everything. */
function draw() {
  clearTimeout(page.drawing);
  page.drawing = 0;
  if (!page.selected && reservations.size) page.selected = [...reservations.keys()].at(-1);
  drawList();
  drawSelected();
  drawPicture();
  drawActions();
  drawJournal();
  drawTimers();
  refreshPeople();
}

/** Draw the filtered list, the newest on top. */
function drawList() {
  const all = [...reservations.values()].sort((a, b) => b.number - a.number);
  const text = one("filter").value.trim().toLowerCase();
  const status = one("status").value;
  const fits = (each) =>
    (!status || each.state === status || (status === "live" && LIVE.includes(each.state))) &&
    [each.sid, each.task_sid, each.worker_sid, each.worker_name].some((value) => value?.toLowerCase().includes(text));
  const found = all.filter(fits);
  for (const sid of [...rows.keys()]) if (!reservations.has(sid)) rows.delete(sid);
  arrange(one("rows"), found.slice(0, MOST_ROWS).map(drawRow));
  const passed = found.length < all.length ? `${found.length} of ${all.length}` : `${all.length}`;
  const rest = page.total > all.length ? `, newest of ${page.total}` : found.length > MOST_ROWS ? `, first ${MOST_ROWS} shown` : "";
  one("count").textContent = passed + rest;
  one("unmatched").hidden = found.length > 0;
  one("unmatched").textContent = all.length ? "No reservation matches the filter." : "None.";
  one("rows").hidden = !found.length;
  one("empty").hidden = reservations.size > 0;
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
  version.textContent = `version ${reservation.etag}`;
  row.firstChild.setAttribute("aria-pressed", String(reservation.sid === page.selected));
  return row;
}

/** Draw a state with its colour. */
function drawState(element, state) {
  element.className = "standing";
  element.dataset.state = state;
  element.textContent = named(state);
}

/** Draw the selected reservation. */
function drawSelected() {
  const reservation = reservations.get(page.selected);
  one("detail").hidden = !page.selected;
  if (!page.selected) return;
  one("sid").textContent = page.selected;
  drawState(one("state"), reservation?.state ?? "deleted");
  if (!reservation) {
    one("facts").replaceChildren(make("div", "", make("dd", "quiet", "This reservation does not exist: its task was deleted, or the SID is unknown.")));
    return;
  }
  const facts = {
    Timer: make("span", "timer"),
    Version: reservation.etag,
    Worker: reservation.worker_name ? `${reservation.worker_name} (${short(reservation.worker_sid)})` : short(reservation.worker_sid),
    Task: `${reservation.task_status} (${short(reservation.task_sid)})`,
    ...(reservation.transfer && { Transfer: "to a second worker, while the first one works on the task" }),
    ...(reservation.code && { "Reason code": String(reservation.code) }),
  };
  one("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
}

/** Highlight the selected reservation's state and path in the picture. */
function drawPicture() {
  const reservation = reservations.get(page.selected);
  for (const lit of picture.querySelectorAll(".here, .walked, .passed")) lit.classList.remove("here", "walked", "passed");
  picture.classList.toggle("lit", Boolean(reservation));
  if (!reservation) return;
  for (const { transition, after } of entries.values()) {
    if (transition?.sid !== page.selected || transition.before === null) continue;
    const edge = one(`edge-${transition.before}-${transition.trigger}-${after}`);
    for (const part of [edge, edge?.closest(".line")]) part?.classList.add("walked");
    one(`state-${transition.before}`).classList.add("passed");
  }
  one(`state-${reservation.state}`).classList.add("here");
  if (page.centred !== reservation.sid + reservation.state) centre();
  page.centred = reservation.sid + reservation.state;
}

/** Scroll the highlighted state to the middle of a picture that is wider than the page. */
function centre() {
  const box = picture.querySelector(".here").getBBox();
  const scale = picture.clientWidth / picture.viewBox.baseVal.width;
  one("scroll").scrollLeft = (box.x + box.width / 2) * scale - one("scroll").clientWidth / 2;
}

/** Draw a row of buttons for each group of actions; only available actions are enabled. */
function drawActions() {
  const reservation = reservations.get(page.selected);
  const section = one("actions");
  section.hidden = !reservation;
  if (!section.childElementCount) {
    for (const title of new Set(page.actions.map((action) => action.group))) {
      const group = make("div", "buttons", ...page.actions.filter((action) => action.group === title).map(drawAction));
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", title);
      section.append(make("h3", "", title), group);
    }
  }
  for (const button of section.querySelectorAll("button")) button.disabled = !reservation?.available.includes(button.dataset.name);
}

/** Draw one button. */
function drawAction(action) {
  const button = make("button", action.path ? "fact" : "command", action.label);
  button.type = "button";
  button.dataset.name = action.name;
  button.addEventListener("click", () =>
    attempt(() => {
      const { sid, task_sid: task, path } = reservations.get(page.selected);
      if (!action.path) return send(action.method, path, action.body, FORM);
      return send(action.method, `.${action.path.replace("WR", sid).replace("WT", task)}`, action.body && JSON.stringify(action.body));
    }),
  );
  return button;
}

/** Draw the journal, the newest on top. */
function drawJournal() {
  const every = one("every").checked || !page.selected;
  const refused = one("refused").checked;
  const wanted = [...entries.values()].filter((each) => (every || each.sid === page.selected) && (!refused || each.refused));
  wanted.sort((a, b) => b.order - a.order || b.key.localeCompare(a.key, "en", { numeric: true }));
  arrange(one("entries"), wanted.slice(0, MOST_ENTRIES).map(entryElement));
  one("no-entries").hidden = wanted.length > 0;
}

/** Draw the clock and all timers. */
function drawTimers() {
  if (time.at) {
    one("now").textContent = new Date(now()).toISOString().slice(11, 19);
    one("pace").textContent = time.pace === 0 ? "UTC, manual clock" : time.pace === 1 ? "UTC, real time" : `UTC, ${time.pace} times as fast`;
  }
  for (const [sid, row] of rows) drawTimer(row.firstChild.children[1], reservations.get(sid));
  const timer = one("facts").querySelector(".timer");
  if (timer) drawTimer(timer, reservations.get(page.selected));
}

/** Draw a reservation's timer: running, paused while it is on hold, or none. */
function drawTimer(element, reservation) {
  const left = reservation?.due ? (Date.parse(reservation.due) - now()) / 1000 : null;
  const paused = reservation?.state === "onHold";
  const text = left !== null ? minutes(left) : paused ? `paused${reservation.left === null ? "" : ` at ${minutes(reservation.left)}`}` : "–";
  if (element.textContent !== text) element.textContent = text;
  element.classList.toggle("paused", paused);
  element.classList.toggle("soon", left !== null && left <= SOON);
}

/** Fetch tasks and workers soon, once for all calls within 200 ms, if they are shown. */
function refreshPeople() {
  if (one("people").open && !page.people) page.people = setTimeout(() => attempt(showPeople), 200);
}

/** Fetch and draw the tasks and the workers. */
async function showPeople() {
  page.people = 0;
  if (!one("people").open) return;
  const [{ total: tasks, tasks: someTasks }, { total: workers, workers: someWorkers }] = await Promise.all([send("GET", "tasks"), send("GET", "workers")]);
  drawTable("tasks", tasks, someTasks, (task) => [
    subject(task.sid, short(task.sid), task.last_reservation_sid),
    task.status,
    task.queue ?? "–",
    task.priority ?? "–",
    task.workers.join(", ") || "–",
  ]);
  drawTable("workers", workers, someWorkers, (worker) => [
    make("span", "", worker.name || short(worker.sid)),
    worker.activity ?? "–",
    make("span", "", ...worker.reservations.map((sid) => subject(sid, short(sid), sid))),
  ]);
}

/** Draw one table, the newest on top. */
function drawTable(id, total, shown, cells) {
  const name = id.charAt(0).toUpperCase() + id.slice(1);
  one(id).querySelector("caption").textContent = `${name}: ${total}${shown.length < total ? `, newest ${shown.length} shown` : ""}`;
  one(id).tBodies[0].replaceChildren(
    ...shown.reverse().map((each) => make("tr", "", ...cells(each).map((cell) => make("td", "", cell instanceof Node ? cell : String(cell))))),
  );
}

/** Make a button that selects a reservation, or a plain text without one. */
function subject(title, text, sid) {
  const made = make(sid ? "button" : "span", sid ? "subject short" : "short", text);
  made.title = title;
  if (sid) {
    made.type = "button";
    made.addEventListener("click", () => select(sid, true));
  }
  return made;
}

// --- interaction ----------------------------------------------------------------------------------------------------------------

/** Select a reservation, and scroll to it on a narrow page. */
function select(sid, asked = false) {
  page.selected = sid;
  if (location.hash.slice(1) !== sid) history.replaceState(null, "", `#${sid}`);
  draw();
  showTools().catch((error) => warn(error.message));
  if (asked && matchMedia("(max-width: 900px)").matches) one("detail").scrollIntoView();
}

/** Copy the selected SID, or select its text where the browser does not allow to copy. */
async function copy() {
  try {
    await navigator.clipboard.writeText(page.selected);
    one("copied").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(one("sid"));
    one("copied").textContent = "Selected: copy it with your keyboard";
  }
  setTimeout(() => (one("copied").textContent = ""), 2000);
}

/** Move along the list with the arrow keys. */
function moveSelection(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  const all = [...one("rows").querySelectorAll("button")];
  const next = all[all.indexOf(document.activeElement) + steps[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

/** Create an example: two workers, both reserved for one task. */
async function createExample() {
  const sid = (prefix) => prefix + [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const workspace_sid = sid("WS");
  const workers = ["Ada", "Grace"].map((name) => ({ workspace_sid, sid: sid("WK"), name, attributes: { contact_uri: `client:${name.toLowerCase()}` } }));
  const pending = workers.map((worker) => ({ worker_sid: worker.sid }));
  const attributes = { call_sid: sid("CA"), from: "+15005550006" };
  await send("POST", "seed", JSON.stringify({ workers, tasks: [{ workspace_sid, attributes, reservations: pending }] }));
  await load();
  select([...reservations.keys()].at(-2));
}

/** Fetch workers, faults and the selected task for the tools, when they are open. */
async function showTools() {
  if (!one("tools").open) return;
  const shown = page.selected;
  const selected = reservations.get(shown);
  const [state, faults, api] = await Promise.all([send("GET", "state"), send("GET", "faults"), send("GET", "openapi.json")]);
  const task = state.tasks.find((each) => each.sid === selected?.task_sid);
  const whole = task ? await send("GET", `tasks/${task.sid}`) : undefined; // the state masks credentials
  if (shown !== page.selected) return; // another one was selected meanwhile
  const { value: worker } = one("worker");
  const isDraft = one("task").selectedOptions[0]?.value === ""; // then keep what was written
  one("worker").replaceChildren(...state.workers.map((each) => choice(each.sid, each.name || short(each.sid))));
  for (const option of one("worker").options) option.dataset.workspace = state.workers[option.index].workspace_sid;
  one("task").replaceChildren(...(task ? [choice(task.sid, `selected: ${short(task.sid)}`)] : []), choice("", "a new task"));
  if (state.workers.some((each) => each.sid === worker)) one("worker").value = worker;
  if (isDraft) one("task").value = "";
  else one("attributes").value = JSON.stringify(whole?.attributes ?? {});
  one("reserve").disabled = !state.workers.length;
  const fault = api.paths["/_emulator/faults"].post.requestBody.content["application/json"].schema;
  if (!one("fault-kind").options.length) one("fault-kind").append(...fault.properties.kind.enum.map((kind) => choice(kind, kind)));
  showTask();
  showFaults(faults);
}

/** Let attributes be saved only for a task that exists. */
function showTask() {
  one("save").disabled = one("task").value === "";
}

/** Show the faults that are still to come. */
function showFaults(faults) {
  one("faults").textContent = faults.map(({ kind, times }) => `${kind} (${times})`).join(", ") || "none";
}

/** Return the attributes that were written. */
function readAttributes() {
  try {
    return JSON.parse(one("attributes").value);
  } catch (error) {
    throw new Error(`The attributes are not JSON: ${error.message}. Write an object such as {"call_sid": "CA…"}.`);
  }
}

/** Save the attributes of the selected task, and show what the emulator holds. */
async function saveAttributes() {
  const { attributes } = await send("POST", `tasks/${one("task").value}/attributes`, JSON.stringify({ attributes: readAttributes() }));
  one("attributes").value = JSON.stringify(attributes);
}

/** Reserve a worker for the selected task, or for a new one. */
async function reserve() {
  const worker = one("worker").selectedOptions[0];
  const wanted = { worker_sid: worker.value };
  const task = one("task").value;
  if (task) {
    const { sid } = await send("POST", `tasks/${task}/reservations`, JSON.stringify(wanted));
    await load();
    return select(sid);
  }
  const body = { workspace_sid: worker.dataset.workspace, attributes: readAttributes(), reservations: [wanted] };
  const { sid } = await send("POST", "tasks", JSON.stringify(body));
  await load();
  select([...reservations.values()].find((each) => each.task_sid === sid).sid);
}

/** Inject the chosen fault into the next requests of the API. */
async function addFault() {
  const body = { kind: one("fault-kind").value, times: Number(one("fault-times").value) };
  showFaults(await send("POST", "faults", JSON.stringify(body)));
}

/** Show the settings when they are first opened. */
async function showSettings() {
  if (one("set").childElementCount) return;
  const settings = await send("GET", "settings");
  for (const [name, { value, description, evidence, source }] of Object.entries(settings)) {
    const known = [evidence, source].filter(Boolean).join(": ");
    one("set").append(make("div", "", make("dt", "", name), make("dd", "", `${JSON.stringify(value)} `, make("span", "quiet", `${description}${known && ` [${known}]`}`))));
  }
}

/** Make an option of the status filter. */
function choice(value, text) {
  const made = make("option", "", text);
  made.value = value;
  return made;
}

one("status").append(choice("", "all statuses"), choice("live", "live"), ...STATES.map((state) => choice(state, named(state))));
one("base").textContent = `client.taskrouter.base_url = "${location.origin}"  # Python\nclient.taskrouter.baseUrl = "${location.origin}";  // Node`;
for (const id of ["filter", "status", "every", "refused"]) one(id).addEventListener("input", draw);
for (const button of one("advance").querySelectorAll("button")) {
  button.addEventListener("click", () => attempt(() => send("POST", "clock", JSON.stringify({ seconds: Number(button.dataset.seconds) }))));
}
one("rows").addEventListener("keydown", moveSelection);
one("copy").addEventListener("click", copy);
one("example").addEventListener("click", () => attempt(createExample));
one("alert-close").addEventListener("click", () => warn(""));
one("settings").addEventListener("toggle", () => attempt(showSettings));
one("tools").addEventListener("toggle", () => attempt(showTools));
one("people").addEventListener("toggle", () => attempt(showPeople));
one("task").addEventListener("input", showTask);
one("save").addEventListener("click", () => attempt(saveAttributes));
one("reserve").addEventListener("click", () => attempt(reserve));
one("fault-add").addEventListener("click", () => attempt(addFault));
one("fault-clear").addEventListener("click", () => attempt(async () => showFaults(await send("DELETE", "faults"))));
addEventListener("hashchange", () => select(location.hash.slice(1)));
page.selected = location.hash.slice(1);
setInterval(drawTimers, 250);
setInterval(refreshPeople, 2000); // a change of a task or worker without a reservation is in no feed
listen();
