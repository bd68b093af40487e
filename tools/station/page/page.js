"use strict";
// The page of the station: the trail as it is in the database, its gaps drawn as gaps, and why.

const WORDS = {
  en: {
    other: "Bahasa Indonesia", online: "connected", offline: "no broker", gaps: "Gaps", no_gaps: "None: every second of this trail is in the database.",
    empty: "Waiting for the first truck.", footer: "Times are WIB (Asia/Jakarta).", stored: "Stored", missing: "Missing", unexplained: "Unexplained", untimed: "Without a time",
    heard: "heard %s ago", parked: "parked, next word due %s", asleep: "asleep, next word due %s", late: "a word was due %s", position: "last position %s ago", no_position: "no position yet", stopped: "stopped", unexplained_gap: "unexplained", seconds: "s", minutes: "min", hours: "h", days: "d",
    quarantine: "messages in quarantine", conflicts: "conflicts", satellites: "%d satellites", records: "%d records",
    health: "Health", well: "nothing wrong", problems: "%d wrong",
  },
  id: {
    other: "English", online: "terhubung", offline: "broker putus", gaps: "Celah", no_gaps: "Tidak ada: setiap detik jejak ini ada di basis data.",
    empty: "Menunggu truk pertama.", footer: "Waktu dalam WIB (Asia/Jakarta).", stored: "Tersimpan", missing: "Hilang", unexplained: "Tak jelas", untimed: "Tanpa waktu",
    heard: "kabar %s lalu", parked: "parkir, kabar berikutnya %s", asleep: "tidur, kabar berikutnya %s", late: "seharusnya ada kabar %s", position: "posisi terakhir %s lalu", no_position: "belum ada posisi", stopped: "berhenti", unexplained_gap: "tak terjelaskan", seconds: "dtk", minutes: "mnt", hours: "jam", days: "hr",
    quarantine: "pesan dikarantina", conflicts: "konflik", satellites: "%d satelit", records: "%d rekaman",
    health: "Kesehatan", well: "tidak ada masalah", problems: "%d masalah",
    "thinned": "ditipiskan", "dropped": "terhapus", "no fix": "tanpa posisi", "receiver silent": "penerima diam", "antenna fault": "antena rusak",
    "clock not believed": "jam belum dipercaya", "asleep": "tidur", "off duty": "di luar tugas", "supply lost": "listrik putus", "safe mode": "mode aman",
    "technician": "teknisi", "reset": "mulai ulang",
  },
};
const STOPPED = 1, HELD = 2, UNTIMED = 16, SPOT_M = 15, DAY_S = 86400, LATE_S = 60;
const COLOUR = { trail: "#00736b", gap: "#c2410c", bad: "#b00020" };
const ROADS = { primary: [7, 5], secondary: [5, 3.4], residential: [2.6, 1.6], access: [3.4, 2.2], tunnel: [5, 3] };

const $ = (id) => document.getElementById(id);
let language = localStorage.getItem("language") || (navigator.language.startsWith("id") ? "id" : "en");
const say = (key) => WORDS[language][key] ?? key;
const get = async (path) => (await fetch("/api/" + path)).json();

// Canvas for the ground (hundreds of quiet lines), SVG for what is touched.
const map = L.map("map", { zoomControl: false, attributionControl: false, zoomSnap: 0.25 }).setView([-6.18, 106.64], 13);
L.control.zoom({ position: "topleft" }).addTo(map);
L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
const ground = L.canvas({ padding: 0.5 });
const layers = { trail: L.layerGroup().addTo(map), gaps: L.layerGroup().addTo(map), stops: L.layerGroup().addTo(map) };

const state = { trucks: [], chosen: null, trails: new Map(), fitted: null, marker: null, placed: [], drawn: "" };

// ---- time and words

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Jakarta", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clock = (time) => CLOCK.format(time * 1000);
const day = (time) => new Intl.DateTimeFormat(language === "id" ? "id-ID" : "en-GB",
  { timeZone: "Asia/Jakarta", day: "numeric", month: "short", year: "numeric" }).format(time * 1000);

function length(seconds) {
  seconds = Math.max(0, Math.round(seconds));
  if (seconds < 90) return `${seconds} ${say("seconds")}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} ${say("minutes")}`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} ${say("hours")} ${minutes % 60} ${say("minutes")}`;
  return `${Math.floor(minutes / 1440)} ${say("days")}`;
}

function node(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- the ground

async function drawGround(tiles) {
  if (tiles) return void L.tileLayer(tiles, { maxZoom: 19 }).addTo(map);
  const outline = await get("outline");
  if (!outline) return;
  const roads = outline.features.filter((f) => f.geometry.type === "LineString");
  const draw = (road, colour, weight, dash) => L.polyline(road.geometry.coordinates.map(([x, y]) => [y, x]),
    { renderer: ground, interactive: false, color: colour, weight, dashArray: dash, smoothFactor: 0.5 }).addTo(map);
  const style = (road) => ROADS[road.properties.class] ?? ROADS.residential;
  for (const road of roads) draw(road, "#ddd6c8", style(road)[0]);
  for (const road of roads) draw(road, "#ffffff", style(road)[1], road.properties.class === "tunnel" ? "5 5" : null);
  outline.features.filter((f) => f.geometry.type === "Point").forEach(drawPlace);
  map.fitBounds(L.latLngBounds(roads.flatMap((r) => r.geometry.coordinates.map(([x, y]) => [y, x]))), { animate: false });
}

function drawPlace({ geometry: { coordinates: [x, y] }, properties: { name, class: kind } }) {
  const major = kind !== "stop";
  L.circleMarker([y, x], { renderer: ground, interactive: false, radius: major ? 6 : 3.5, weight: 1.5, color: major ? "#3d4a48" : "#a39a87",
    fillColor: major ? "#3d4a48" : "#fff", fillOpacity: 1 }).addTo(map);
  const label = L.tooltip({ permanent: true, direction: "right", offset: [6, 0], className: "place" + (major ? " major" : "") })
    .setLatLng([y, x]).setContent(node("span", "", name)).addTo(map);
  state.placed.push([major, label]);
}

function tidyLabels() { // a label that would lie on another one waits for a closer zoom; depot and TPA go first
  const kept = [...document.querySelectorAll("#map .badge")].map((b) => b.getBoundingClientRect());
  for (const [, label] of [...state.placed].sort((a, b) => b[0] - a[0])) {
    const box = label.getElement().getBoundingClientRect();
    const free = kept.every((k) => box.right < k.left || box.left > k.right || box.bottom < k.top || box.top > k.bottom);
    label.getElement().style.visibility = free ? "" : "hidden";
    if (free) kept.push(box);
  }
}
map.on("zoomend", tidyLabels);

// ---- one truck's trail

async function loadTrail(device) {
  const trail = state.trails.get(device) ?? { after: 0, fixes: [] };
  state.trails.set(device, trail);
  for (let more = true; more;) {
    const { after, fixes } = await get(`trail?device=${encodeURIComponent(device)}&after=${trail.after}`);
    trail.after = after;
    for (const [seq, time, lat, lon, kmh, flags] of fixes) if (!(flags & UNTIMED)) trail.fixes.push({ seq, time, at: [lat, lon], kmh, flags });
    more = fixes.length > 0;
  }
  trail.fixes.sort((a, b) => a.time - b.time || a.seq - b.seq);
  return trail.fixes;
}

function holesOf({ gaps, unexplained }) {
  const holes = gaps.filter((g) => g.reason !== "thinned" && g.to > g.from);
  return [...holes, ...unexplained.map(([from, to]) => ({ from, to, reason: "unexplained_gap", bad: true }))].sort((a, b) => a.from - b.from);
}

function reasonOf(hole) {
  const detail = hole.detail && { "no fix": "satellites", dropped: "records" }[hole.reason];
  return say(hole.reason) + (detail ? `, ${say(detail).replace("%d", hole.detail)}` : "");
}

function drawTrail(fixes, holes) {
  Object.values(layers).forEach((layer) => layer.clearLayers());
  let runs = [[]];
  holes.forEach((hole) => { hole.line = null; });
  let h = 0;
  fixes.forEach((fix, i) => {
    const before = fixes[i - 1];
    if (before) {
      while (h < holes.length && holes[h].to <= before.time) h += 1;
      const across = holes.slice(h).filter((hole) => hole.from < fix.time && hole.to > before.time);
      if (across.length) {
        across.forEach((hole) => { hole.line = hole.line ? [...hole.line, fix.at] : [before.at, fix.at]; });
        runs.push([]);
      }
    }
    runs.at(-1).push(fix.at);
  });
  const line = (points, style) => L.polyline(points, { interactive: false, lineJoin: "round", smoothFactor: 0.6, ...style }).addTo(layers.trail);
  runs = runs.filter((run) => run.length > 1);
  runs.forEach((run) => line(run, { color: "#fff", weight: 7, opacity: 0.9 }));
  runs.forEach((run) => line(run, { color: COLOUR.trail, weight: 3.6, className: "trail" }));
  fixes.filter((fix) => fix.flags & STOPPED && !(fix.flags & HELD)).forEach(drawStop);
  holes.forEach(drawHole);
}

function drawStop(fix) {
  L.circleMarker(fix.at, { radius: 3.6, weight: 2, color: COLOUR.trail, fillColor: "#fff", fillOpacity: 1 })
    .bindTooltip(`${say("stopped")} ${clock(fix.time)}`).addTo(layers.stops);
}

function drawHole(hole, i) {
  if (!hole.line) return;
  const words = `${i + 1} · ${reasonOf(hole)} · ${length(hole.to - hole.from)}<br>${clock(hole.from)} – ${clock(hole.to)}`;
  const colour = hole.bad ? COLOUR.bad : COLOUR.gap;
  const [a, b] = [hole.line[0], hole.line.at(-1)];
  const middle = L.latLng((a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
  if (map.distance(a, b) > SPOT_M) {
    L.polyline(hole.line, { color: "#fff", weight: 6, interactive: false }).addTo(layers.gaps);
    L.polyline(hole.line, { color: colour, weight: 3.6, dashArray: "5 7", interactive: false, className: "gap" }).addTo(layers.gaps);
    L.polyline(hole.line, { opacity: 0, weight: 18 }).bindTooltip(words, { sticky: true }).addTo(layers.gaps);
  }
  const badge = node("div", "badge" + (hole.bad ? " bad" : ""), i + 1);
  hole.marker = L.marker(middle, { icon: L.divIcon({ html: badge, className: "", iconSize: [24, 24] }) })
    .bindTooltip(words, { direction: "top", offset: [0, -14] }).addTo(layers.gaps);
}

function drawTruck(truck) {
  if (state.marker) state.marker.remove();
  if (!truck?.position) return;
  const { lat, lon, course, kmh } = truck.position;
  const arrow = course !== null && kmh > 3 ? `<path d="M22 16 L26 26.5 L22 24 L18 26.5 Z" fill="#fff" transform="rotate(${Number(course)} 22 22)"/>` : "";
  const html = `<svg width="44" height="44" viewBox="0 0 44 44"><circle class="pulse" cx="22" cy="22" r="22"/><circle cx="22" cy="22" r="11" fill="#fff"/>
    <circle cx="22" cy="22" r="8.5" fill="${COLOUR.trail}"/>${arrow}</svg>`;
  state.marker = L.marker([lat, lon], { zIndexOffset: 1000, icon: L.divIcon({ html, className: "truck-icon", iconSize: [44, 44] }) })
    .bindTooltip("", { permanent: true, direction: "top", offset: [0, -12], className: "truck" }).addTo(map);
  sayAges();
}

// ---- the panel

function wordOf(truck, now) { // a truck that drives and is not late says so by its position
  if (!truck.due) return "";
  const word = now > truck.due + LATE_S ? "late" : truck.state.split(" ")[0];
  return word === "online" ? "" : say(word).replace("%s", clock(truck.due).slice(0, 5));
}

function sayAges() {
  const truck = state.trucks.find((t) => t.device === state.chosen);
  if (!truck) return;
  const now = Date.now() / 1000;
  const heard = [say("heard").replace("%s", length(now - truck.heard)), wordOf(truck, now)].filter(Boolean).join(" · ");
  if (!truck.position) { $("stamp").textContent = say("no_position"); $("age").textContent = heard; return; }
  const { time, kmh } = truck.position, age = now - time;
  $("stamp").textContent = `${day(time)}, ${clock(time)}`;
  const speed = kmh !== null && `${Math.round(kmh)} km/h`;
  const recent = age < DAY_S; // of an older one, also a simulated or recorded one, the stamp says more than its age
  $("age").textContent = [recent && say("position").replace("%s", length(age)), speed, heard].filter(Boolean).join(" · ");
  state.marker?.setTooltipContent(node("span", "", `${truck.device} · ${recent ? length(age) : clock(time)}`));
}

function showFigures(truck, judged) {
  const unexplained = judged.unexplained.reduce((sum, [from, to]) => sum + to - from, 0);
  const cells = [["stored", truck.stored.toLocaleString(language), false], ["missing", judged.missing, judged.missing > 0],
    ["unexplained", length(unexplained), unexplained > 0]];
  if (judged.untimed) cells.push(["untimed", judged.untimed, true]); // fixes in the order of their numbers; no anchor has said when
  $("figures").replaceChildren(...cells.map(([key, value, bad]) => {
    const cell = node("div", bad ? "bad" : "");
    cell.append(node("dt", "", say(key)), node("dd", "", value));
    cell.lastChild.id = "figure-" + key;
    return cell;
  }));
}

function showGaps(holes) {
  $("no-gaps").hidden = holes.length > 0;
  $("gap-sum").textContent = holes.length ? `${holes.length} · ${length(holes.reduce((sum, h) => sum + h.to - h.from, 0))}` : "";
  $("gaps").replaceChildren(...holes.map((hole, i) => {
    const item = node("li", hole.bad ? "bad" : "");
    item.tabIndex = 0;
    item.append(node("span", "badge", i + 1), node("span", "reason", reasonOf(hole)), node("span", "clock", `${clock(hole.from)} – ${clock(hole.to)}`),
      node("span", "length", length(hole.to - hole.from)));
    const show = () => hole.line && (map.fitBounds(L.latLngBounds(hole.line).pad(0.6), { maxZoom: 16 }), hole.marker.openTooltip());
    item.addEventListener("click", show);
    item.addEventListener("keydown", (event) => event.key === "Enter" && show());
    return item;
  }));
}

function showTrucks() {
  $("empty").hidden = state.trucks.length > 0;
  $("truck").hidden = !state.chosen;
  $("trucks").replaceChildren(...state.trucks.map((truck) => {
    const button = node("button", /^(online|parked)/.test(truck.state) ? "online" : "", truck.device);
    button.setAttribute("aria-pressed", truck.device === state.chosen);
    button.addEventListener("click", () => { state.chosen = truck.device; refresh(); });
    return button;
  }));
}

async function showStation() {
  const station = await get("station");
  $("link").textContent = say(station.connected ? "online" : "offline");
  $("link").classList.toggle("off", !station.connected);
  $("trouble").hidden = !station.trouble;
  $("trouble").textContent = station.trouble ?? "";
  $("notes").textContent = ["quarantine", "conflicts"].filter((key) => station[key]).map((key) => `${station[key]} ${say(key)}`).join(" · ");
  return station;
}

// ---- keeping up: one refresh at a time, and at most three a second however much arrives

let busy = false, again = false;

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    state.trucks = await get("fleet");
    state.chosen ??= state.trucks[0]?.device ?? null;
    showTrucks();
    const device = state.chosen, truck = state.trucks.find((t) => t.device === device);
    if (truck) {
      const of = "?device=" + encodeURIComponent(device);
      const [fixes, judged, health] = await Promise.all([loadTrail(device), get("gaps" + of), get("health" + of)]);
      const what = JSON.stringify([device, fixes.length, judged, language]);
      if (what !== state.drawn) { // else an open tooltip would close at every live fix
        const holes = holesOf(judged);
        drawTrail(fixes, holes);
        showGaps(holes);
        state.drawn = what;
      }
      drawTruck(truck);
      showFigures(truck, judged);
      showHealth(health);
      sayAges();
      if (fixes.length > 1 && state.fitted !== device) fit(device, fixes);
      tidyLabels();
    }
    document.body.dataset.ready = "yes";
  } finally {
    setTimeout(() => { busy = false; if (again) { again = false; refresh(); } }, 300);
  }
}

async function moveOn() { // the station reckons a moving truck on between two of its words
  if (busy) return;
  const trucks = await get("fleet"), truck = trucks.find((t) => t.device === state.chosen);
  if (truck && !busy) drawTruck(truck);
}

function fit(device, fixes) {
  state.fitted = device;
  map.fitBounds(L.latLngBounds(fixes.map((f) => f.at)), { padding: [40, 40], maxZoom: 16, animate: false });
}

function speak() {
  document.documentElement.lang = language;
  $("language").textContent = say("other");
  document.querySelectorAll("[data-say]").forEach((element) => { element.textContent = say(element.dataset.say); });
}

$("language").addEventListener("click", () => {
  language = language === "en" ? "id" : "en";
  localStorage.setItem("language", language);
  speak();
  showStation();
  refresh();
});

async function begin() {
  speak();
  const { tiles_url: tiles } = await showStation();
  await drawGround(tiles);
  await refresh();
  const events = new EventSource("/api/events");
  events.onmessage = refresh;
  events.onopen = refresh; // what happened while the line was down
  setInterval(sayAges, 1000);
  setInterval(showStation, 3000);
  setInterval(moveOn, 3000);
}
begin();
