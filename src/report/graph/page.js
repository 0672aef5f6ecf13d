
"use strict";
(async () => {
const at = id => document.getElementById(id);
const make = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};

// Data that Rust packed: gzip in base64, so that no name stands in the markup.
async function unpacked(id) {
  const letters = atob(at(id).textContent), bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

if (typeof DecompressionStream === "undefined") {
  at("subtitle").textContent = "This browser cannot unpack the page's data: any of 2023 or later can.";
  return;
}
const data = await unpacked("data");
const count = data.names.length;
// With more than so many objects only groups are drawn, until they are opened; and so many are drawn in open groups at once.
const CLOSED_FROM = 2500, OPEN_MAX = 6000;
const isClosed = count > CLOSED_FROM;
// With more relations only those are drawn that lead to or from what is chosen, and those inside groups.
const isBig = count > 1500 || data.from.length > 2500;
const digits = new Intl.NumberFormat("en-US"), number = value => digits.format(value);
const counted = (value, thing) => `${number(value)} ${thing}${value === 1 ? "" : "s"}`;
function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  let unit = -1;
  for (; bytes >= 1024 && unit < 5; unit++) bytes /= 1024;
  return `${(Math.round(bytes * 10) / 10).toFixed(1)} ${["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][unit]}`;
}
const short = object => data.names[object].slice(data.cuts[object]).replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, "$1");
// In a group's frame its name says the namespace; around one object there are no frames.
const labelOf = object => (data.around !== null && data.namespaces.length > 1 ? data.names[object].slice(0, data.cuts[object]) : "") + short(object);
const clipped = (text, most) => text.length > most ? text.slice(0, most - 1) + "\u2026" : text;

document.title = `${data.title} - leasehold graph`;
at("title").textContent = data.title;
at("subtitle").textContent = `${data.subtitle}. ${counted(count, "object")}, ${counted(data.from.length, "relation")}`
  + (isClosed ? `, in ${counted(data.groups.length, "group")}: a click opens one` : "");

// By object, where its relations stand; made once, as two tables each.
function indexed(ends) {
  const starts = new Uint32Array(count + 1), places = new Uint32Array(ends.length);
  for (const end of ends) starts[end + 1]++;
  for (let object = 0; object < count; object++) starts[object + 1] += starts[object];
  const next = starts.slice();
  ends.forEach((end, line) => { places[next[end]++] = line; });
  return object => places.subarray(starts[object], starts[object + 1]);
}
const linesFrom = indexed(data.from), linesTo = indexed(data.to);
const members = data.groups.map(() => []);
data.group.forEach((group, object) => members[group].push(object));

// What becomes of an object at the instant that the slider stands at.
let time = 0;
const REMOVED = 2;
const fate = object => data.until[object] >= 0 && data.until[object] < time ? REMOVED : data.fate[object];

const word = fate => data.fates[fate].said.split(":")[0];
// A diamond of our own: the library's is not hit straight below its upper corner, where the lower one lies, too.
const SHAPES = ["ellipse", "hexagon", "polygon", "rectangle", "triangle"], DIAMOND = ".013 -1 1 0 -.017 1 -1 0";
const MARKS = ["M6.5 1a5.5 5.5 0 1 0 .01 0z", "M3.5 1.5h6l3 5l-3 5h-6l-3-5z", "M6.5 .5l6 6l-6 6l-6-6z", "M1.5 1.5h10v10h-10z", "M6.5 1l5.5 10.5h-11z"];
function mark(fate) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 13 13");
  svg.setAttribute("class", `mark ${data.fates[fate].name}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", word(fate));
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", MARKS[fate]);
  svg.append(path);
  return svg;
}

// The picture.
function style() {
  const own = getComputedStyle(document.documentElement);
  const colour = name => own.getPropertyValue(`--${name}`).trim();
  const fates = data.fates.map(({ name }, place) => ({ selector: `.${name}`, style: {
    "shape": SHAPES[place], "shape-polygon-points": DIAMOND, "background-color": colour(name), "border-color": colour(name === "until" ? "until-line" : name),
    "background-opacity": name === "missing" ? 0 : 1, "border-width": name === "missing" ? 2.5 : name === "until" ? 3 : 1,
    "border-style": name === "missing" ? "dashed" : "solid",
  } }));
  return [
    { selector: "node", style: {
      "label": "data(label)", "width": "data(size)", "height": "data(size)", "color": colour("ink"), "font-size": 11,
      "font-family": "system-ui, sans-serif", "text-valign": "bottom", "text-halign": "center", "text-margin-y": 3, "min-zoomed-font-size": 7,
      "text-background-color": colour("frame"), "text-background-opacity": isBig ? 0 : .8, "text-background-padding": 1,
      "z-index-compare": "manual", "z-index": 3,
    } },
    ...fates,
    { selector: ".group", style: {
      "shape": "rectangle", "width": "data(w)", "height": "data(h)", "background-color": colour("frame"), "background-opacity": 1,
      "border-width": 1.5, "border-color": colour("rule"), "border-style": "solid", "color": colour("dim"),
      "text-valign": "top", "text-halign": "center", "text-margin-y": 22, "font-size": "data(head)", "text-wrap": "ellipsis", "text-max-width": "data(w)",
      "min-zoomed-font-size": 6, "text-background-opacity": 0, "z-index": 0,
      "overlay-opacity": 0,
    } },
    { selector: ".closed", style: {
      "text-valign": "center", "text-margin-y": 0, "text-wrap": "wrap", "font-size": "data(font)", "color": colour("ink"),
      "background-color": "data(ground)", "background-opacity": .3,
    } },
    ...data.fates.map(({ name }) => ({ selector: `.closed.in-${name}`, style: { "background-color": colour(name) } })),
    { selector: "edge", style: {
      "width": 1.2, "line-color": colour("line"), "curve-style": isBig ? "haystack" : "straight", "haystack-radius": 0,
      "target-arrow-shape": "triangle", "target-arrow-color": colour("line"), "arrow-scale": .8, "z-index-compare": "manual", "z-index": 1,
      "events": "no",
    } },
    { selector: ".later", style: { "line-style": "dashed" } },
    { selector: ".dim", style: { "opacity": .22 } },
    { selector: "node.hot", style: { "outline-width": 3, "outline-color": colour("hot"), "outline-offset": 2, "z-index": 8 } },
    { selector: "edge.hot", style: { "width": 2.4, "line-color": colour("hot"), "target-arrow-color": colour("hot"), "z-index": 2 } },
    { selector: "edge.down", style: { "width": 1.8, "line-color": colour("accent"), "target-arrow-color": colour("accent"), "z-index": 2 } },
    { selector: "node.chosen", style: { "outline-width": 5, "outline-color": colour("hot"), "outline-offset": 3, "text-margin-y": 9, "z-index": 9 } },
    { selector: ".off", style: { "display": "none" } },
  ];
}

const diameter = object => data.bytes[object] === null ? 15 : 13 + Math.min(13, Math.max(0, Math.log2(data.bytes[object] + 1) - 10) * .7);
const nodeOf = object => ({
  group: "nodes", classes: data.fates[fate(object)].name + (isOff(object) ? " off" : ""),
  data: { id: `o${object}`, object, label: clipped(labelOf(object), 31), size: diameter(object) },
  position: { x: data.x[object] + 118, y: data.y[object] + 16 },
});
const lineOf = line => ({
  group: "edges", classes: data.later[line] ? "later" : "",
  data: { id: `e${line}`, line, source: `o${data.from[line]}`, target: `o${data.to[line]}` },
});
const worst = group => {
  const counts = [0, 0, 0, 0, 0];
  for (const object of members[group]) counts[fate(object)]++;
  return counts.indexOf(Math.max(...counts));
};
// Names of frames grow as the picture gets smaller, as long as they fit above what is in them.
const HEAD = { min: 12, max: 20, onScreen: 10 };
const closedName = group => `${clipped(data.groups[group].name, 44)}\n${counted(members[group].length, "object")}`;
const groupOf = (own, group) => ({
  group: "nodes", classes: isClosed ? `group closed in-${data.fates[worst(group)].name}` : "group", grabbable: false, selectable: false,
  data: {
    id: `g${group}`, frame: group, w: own.width, h: own.height, head: HEAD.min, font: Math.max(9, Math.min(own.width / (.62 * Math.max(14, Math.min(44, own.name.length))), own.height / 5)), ground: "#888",
    label: isClosed ? closedName(group) : own.name,
  },
  position: { x: own.x + own.width / 2, y: own.y + own.height / 2 },
});
const hidden = { kinds: new Set(), namespaces: new Set(), fates: new Set() };
const isOff = object => hidden.kinds.has(data.kind[object]) || hidden.namespaces.has(data.namespace[object]) || hidden.fates.has(fate(object));
const isInside = line => data.group[data.from[line]] === data.group[data.to[line]] && data.from[line] !== data.to[line];

const elements = data.around === null ? data.groups.map(groupOf) : [];
if (!isClosed) {
  for (let object = 0; object < count; object++) elements.push(nodeOf(object));
  data.from.forEach((_, line) => { if (!isBig || isInside(line)) elements.push(lineOf(line)); });
}
const cy = cytoscape({
  container: at("graph"), elements, style: style(), layout: { name: "preset", fit: true, padding: 24 },
  minZoom: .005, maxZoom: 3, autoungrabify: true, boxSelectionEnabled: false, autounselectify: true,
  hideEdgesOnViewport: isBig, textureOnViewport: isBig, pixelRatio: isBig ? 1 : "auto",
});
function heads() {
  const font = Math.round(Math.max(HEAD.min, Math.min(HEAD.max, HEAD.onScreen / cy.zoom())));
  const frames = isClosed ? cy.collection() : cy.nodes(".group");
  if (frames.nonempty() && frames[0].data("head") !== font) cy.batch(() => frames.data("head", font));
}
cy.on("zoom", heads);
heads();
if (!isBig && cy.zoom() > 1.1) { cy.zoom(1.1); cy.center(); }
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => cy.style(style()));

// Groups that are opened, the oldest first.
const opened = [];
function open(group) {
  if (!isClosed || opened.includes(group)) return;
  const room = () => opened.reduce((sum, own) => sum + Math.min(members[own].length, OPEN_MAX), 0) + members[group].length;
  while (opened.length && room() > OPEN_MAX) close(opened[0]);
  opened.push(group);
  const drawn = members[group].slice(0, OPEN_MAX), isDrawn = new Set(drawn);
  const lines = drawn.flatMap(object => [...linesFrom(object)].filter(line => isInside(line) && isDrawn.has(data.to[line])));
  cy.batch(() => {
    cy.getElementById(`g${group}`).removeClass("closed").data("label", data.groups[group].name);
    cy.add([...drawn.map(nodeOf), ...lines.map(lineOf)]);
  });
}
function close(group) {
  opened.splice(opened.indexOf(group), 1);
  cy.batch(() => {
    members[group].forEach(object => cy.getElementById(`o${object}`).remove());
    cy.getElementById(`g${group}`).addClass("closed").data("label", closedName(group));
  });
}
function frame(group) {
  open(group);
  cy.fit(cy.getElementById(`g${group}`), 30);
  if (cy.zoom() > 1.2) { cy.zoom(1.2); cy.center(cy.getElementById(`g${group}`)); }
}

// All that is met from an object by lines taken one way, the nearest first; and by which line each was met.
function reach(object, lines, far, goes) {
  const by = new Map([[object, -1]]), queue = [object];
  for (let place = 0; place < queue.length && queue.length < 4000; place++)
    for (const line of lines(queue[place])) {
      const next = far[line];
      if (!by.has(next) && goes(next)) { by.set(next, line); queue.push(next); }
    }
  return by;
}

let chosen = null;
const extra = [];
function clear() {
  cy.batch(() => {
    cy.elements(".hot, .down, .chosen, .dim").removeClass("hot down chosen dim");
    extra.splice(0).forEach(line => cy.getElementById(`e${line}`).remove());
  });
  chosen = null;
}
function choose(object, moves) {
  clear();
  chosen = object;
  open(data.group[object]);
  const isAlive = other => data.fate[other] !== REMOVED && data.fate[other] !== 4;
  const above = reach(object, linesTo, data.from, isAlive(object) ? isAlive : () => true);
  const below = reach(object, linesFrom, data.to, () => true);
  const known = id => cy.getElementById(id).nonempty();
  const show = (line, name) => {
    if (!known(`o${data.from[line]}`) || !known(`o${data.to[line]}`)) return;
    if (!known(`e${line}`)) { cy.add(lineOf(line)); extra.push(line); }
    cy.getElementById(`e${line}`).addClass(name);
  };
  cy.batch(() => {
    if (cy.elements().length < 4000) cy.elements().not(".group").addClass("dim");
    for (const [other] of above) {
      const id = known(`o${other}`) ? `o${other}` : `g${data.group[other]}`;
      cy.getElementById(id).removeClass("dim").addClass("hot");
      for (const line of linesFrom(other)) if (above.has(data.to[line]) && other !== object) show(line, "hot");
    }
    for (const [other, line] of below) {
      cy.getElementById(`o${other}`).removeClass("dim");
      if (line >= 0) show(line, "down");
    }
    cy.getElementById(`o${object}`).removeClass("off hot").addClass("chosen");
    cy.edges(".hot, .down").removeClass("dim");
  });
  if (moves) moveTo(cy.getElementById(`o${object}`));
  sideOf(object);
}
// All chains in view, of a root its group, where names stay readable; else the object alone.
function moveTo(object) {
  const hot = cy.nodes(".hot"), chains = hot.nonempty() ? hot.union(object) : cy.getElementById(`g${data.group[object.data("object")]}`);
  cy.fit(chains, 70);
  if (cy.zoom() > 1.1) { cy.zoom(1.1); cy.center(chains); }
  if (cy.zoom() < .6) { cy.zoom(.9); cy.center(object); }
}

// Beside the picture: what is found, what is chosen, or the groups.
const side = at("side");
let explanations = null;
async function explanation(object) {
  explanations ??= unpacked("explanations");
  return (await explanations)[object];
}
function list(items, most, row) {
  const made = make("ul");
  for (const item of items.slice(0, most)) {
    const button = make("button"), line = make("li");
    button.append(...row(item, button));
    line.append(button);
    made.append(line);
  }
  return items.length > most ? [made, make("p", `\u2026 and ${number(items.length - most)} more`)] : [made];
}
const objectRow = far => (object, button) => {
  button.addEventListener("click", () => choose(object, true));
  button.dataset.object = object;
  const row = [mark(fate(object)), make("span", short(object))];
  if (far) row.push(make("span", far(object), "far"));
  return row;
};
async function sideOf(object) {
  const head = make("div", undefined, "top"), back = make("button", "Close");
  back.addEventListener("click", () => { clear(); showSide(); });
  head.append(make("h2", data.names[object].slice(0, data.cuts[object]) + short(object)), back);
  const text = make("pre", "");
  text.id = "explanation";
  side.replaceChildren(head);
  if (data.explained) side.append(text);
  else {
    side.append(make("p", `Of so many objects the page has no explanations (${number(data.explainedMax)} at most). This prints it:`));
    text.textContent = `leasehold explain ${data.command} ${quoted(data.names[object])}`;
    text.id = "command";
    side.append(text);
  }
  const neighbours = (title, lines, far) => {
    const words = new Map();
    for (const line of lines) words.set(far[line], data.words[data.word[line]] + (data.later[line] ? " (not yet)" : ""));
    if (words.size) side.append(make("h3", title), ...list([...words.keys()], 40, objectRow(other => clipped(words.get(other), 28))));
  };
  neighbours("Referred to by", linesTo(object), data.from);
  neighbours("Keeps", linesFrom(object), data.to);
  side.scrollTop = 0;
  if (data.explained) {
    const told = await explanation(object);
    if (chosen === object) text.textContent = told;
  }
}
const quoted = name => /^[A-Za-z0-9\-._/+:@,=]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;

let query = "";
function found() {
  const wanted = query.toLowerCase(), all = [];
  for (let object = 0; object < count; object++) if (lower[object].includes(wanted)) all.push(object);
  return all;
}
const lower = data.names.map(name => name.toLowerCase());
function showSide() {
  if (!query) return showGroups();
  const all = found(), shown = all.filter(object => !isOff(object));
  side.replaceChildren(make("h2", `${counted(shown.length, "object")} found`));
  if (all.length > shown.length) side.append(make("p", `${counted(all.length - shown.length, "more object")} hidden by the filters`));
  if (!all.length) side.append(make("p", `No name has \u201c${clipped(query, 80)}\u201d in it. Any part of a name will do: of an image, a digest, a snapshot, a lease.`));
  side.append(...list(shown, 60, objectRow(object => data.namespaces[data.namespace[object]])));
}
const weights = data.groups.map((own, group) => members[group].reduce((sum, object) => sum + (data.bytes[object] ?? 0), 0));
const byWeight = data.groups.map((own, group) => group).sort((left, right) => weights[right] - weights[left] || members[right].length - members[left].length || left - right);
function showGroups() {
  if (!count) return side.replaceChildren(make("h2", "Nothing here"), make("p", "The database holds no object."));
  if (data.around !== null) {
    side.replaceChildren(make("h2", "What stands around it"));
    return side.append(...list([data.around, ...members[0].filter(object => object !== data.around)], 200, objectRow(object => data.namespaces[data.namespace[object]])));
  }
  side.replaceChildren(make("h2", "Groups by size"), make("p", "Each holder with what goes without it, what several hold, and what nobody does. Click an object in the picture for its explanation."));
  side.append(...list(byWeight, 60, (group, button) => {
    button.addEventListener("click", () => frame(group));
    button.dataset.group = group;
    const rest = `${number(members[group].length)} \u00b7 ${size(weights[group])}`;
    return [mark(worst(group)), make("span", clipped(data.groups[group].name, 90)), make("span", rest, "far")];
  }));
}

// Filters, search, time.
function refresh(objects) {
  cy.batch(() => {
    for (const object of objects) {
      const node = cy.getElementById(`o${object}`);
      if (node.empty()) continue;
      const name = data.fates[fate(object)].name;
      if (!node.hasClass(name)) node.removeClass(data.fates.map(own => own.name).join(" ")).addClass(name);
      node.toggleClass("off", isOff(object) && object !== chosen);
    }
  });
  tally();
}
const all = () => data.names.keys();
function tally() {
  const counts = [0, 0, 0, 0, 0];
  let shown = 0;
  for (let object = 0; object < count; object++) { counts[fate(object)]++; shown += !isOff(object); }
  fateButtons.forEach((button, place) => { button.lastChild.textContent = `${word(place)} ${number(counts[place])}`; });
  at("none").hidden = shown > 0;
}
const fateButtons = data.fates.map(({ said }, place) => {
  const button = make("button");
  button.append(mark(place), make("span", ""));
  button.title = said;
  button.setAttribute("aria-pressed", "true");
  button.addEventListener("click", () => {
    const isShown = !hidden.fates.delete(place) && hidden.fates.add(place) ? false : true;
    button.setAttribute("aria-pressed", String(isShown));
    refresh(all());
    if (chosen === null) showSide();
  });
  at("fates").append(button);
  return button;
});
function filter(id, names, of, off) {
  const counts = names.map(() => 0);
  for (const own of of) counts[own]++;
  names.forEach((name, place) => {
    const label = make("label"), box = make("input");
    box.type = "checkbox";
    box.checked = true;
    box.dataset.name = name;
    box.addEventListener("change", () => {
      if (box.checked) off.delete(place); else off.add(place);
      refresh(all());
      if (chosen === null) showSide();
    });
    label.append(box, make("b", name || "(none)"), make("span", number(counts[place])));
    at(id).append(label);
  });
}
filter("kinds", data.kinds, data.kind, hidden.kinds);
filter("namespaces", data.namespaces, data.namespace, hidden.namespaces);
document.addEventListener("click", event => {
  for (const own of document.querySelectorAll("details[open]")) if (!own.contains(event.target)) own.open = false;
});

const slider = at("time");
slider.max = data.times.length - 1;
slider.disabled = data.times.length < 2;
const goneAt = data.times.map(() => []);
data.until.forEach((place, object) => { if (place >= 0) goneAt[place + 1].push(object); });
function showTime() {
  const { when, freed, objects } = data.times[time];
  at("freed").textContent = `${when}: ${freed}, ${counted(objects, "object")} ${objects === 1 ? "goes" : "go"}`
    + (slider.disabled ? ". Nothing more goes by time alone" : "");
}
slider.addEventListener("input", () => {
  const before = time;
  time = Number(slider.value);
  const [low, high] = [Math.min(before, time), Math.max(before, time)];
  refresh(goneAt.slice(low + 1, high + 1).flat());
  showTime();
  if (isClosed) cy.batch(() => data.groups.forEach((own, group) => {
    const node = cy.getElementById(`g${group}`);
    node.removeClass(data.fates.map(one => `in-${one.name}`).join(" ")).addClass(`in-${data.fates[worst(group)].name}`);
  }));
});
const search = at("search");
search.addEventListener("input", () => { query = search.value.trim(); clear(); showSide(); });
search.addEventListener("keydown", event => {
  const first = side.querySelector("li button");
  if (event.key === "Enter" && query && first) first.click();
  if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
});
side.addEventListener("keydown", event => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...side.querySelectorAll("li button")], place = rows.indexOf(document.activeElement);
  if (place < 0) return;
  event.preventDefault();
  (rows[place + step] ?? search).focus();
});
document.addEventListener("keydown", event => {
  const isTyping = event.target.tagName === "INPUT" && event.target.type === "search";
  if (event.key === "/" && !isTyping) { event.preventDefault(); search.focus(); search.select(); }
  if (event.key === "Escape") { if (isTyping) { search.value = ""; query = ""; } clear(); showSide(); }
});
const zoom = by => cy.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
at("zoom-in").addEventListener("click", () => zoom(1.4));
at("zoom-out").addEventListener("click", () => zoom(1 / 1.4));
at("fit").addEventListener("click", () => cy.fit(undefined, 24));
at("graph").addEventListener("keydown", event => {
  const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
  if (step) { event.preventDefault(); cy.panBy({ x: step[0], y: step[1] }); }
  if (event.key === "+" || event.key === "=") zoom(1.25);
  if (event.key === "-") zoom(1 / 1.25);
});
cy.on("tap", "node", event => {
  const { object, frame: group } = event.target.data();
  if (object !== undefined) choose(object, false);
  else if (isClosed && !opened.includes(group)) frame(group);
  else { clear(); showSide(); }
});
cy.on("tap", event => { if (event.target === cy) { clear(); showSide(); } });

tally();
showTime();
if (data.around !== null) choose(data.around, false); else showSide();
// For tests, and for who looks around with the console.
window.leasehold = { cy, data };
document.documentElement.dataset.ready = "true";
})().catch(error => { document.getElementById("subtitle").textContent = `The page cannot be drawn: ${error.message}`; throw error; });
