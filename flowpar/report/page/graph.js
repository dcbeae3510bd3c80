// The tasks as boxes and what they need as lines, laid out by dagre (vendor/), in layers from left or from above.
"use strict";

const MOST_SINKS = 12;
const BOX = {height: 44, sign: 7.6, padding: 34, least: 96};

function drawGraph(root, note) {
  const shown = data.drawn;
  if (!shown.length) {
    note.textContent = "There are no tasks to draw.";
    return;
  }
  if (shown.length < data.tasks.length) {
    note.textContent = `${shown.length} of ${counted(data.tasks.length, "task")} are drawn: those that went wrong, ` +
      "the critical path, and what these need; the table has all. Choose a task to see its attempts.";
  }
  const layout = bestLayout(shown, root.clientWidth || 800);
  const critical = new Set(data.critical.map((number) => attempts.task[number]));
  const boxes = new Map();
  const lines = layout.edges().map((edge) => {
    const isCritical = critical.has(Number(edge.v)) && critical.has(Number(edge.w));
    const kind = layout.edge(edge).isAfter ? "edge after" : "edge";
    return draw("path", {class: isCritical ? "edge critical" : kind, d: curve(layout.edge(edge).points),
      "marker-end": isCritical ? "url(#tip-critical)" : "url(#tip)"});
  });
  for (const place of shown) boxes.set(place, box(place, layout.node(String(place)), critical.has(place)));
  const {width, height} = layout.graph();
  const picture = draw("svg", {viewBox: `-8 -8 ${width + 22} ${height + 22}`, role: "group",
    "aria-label": `Graph of ${counted(shown.length, "task")}; arrow keys go from one to the next`},
    draw("defs", {}, tip("tip"), tip("tip-critical")), ...lines, ...boxes.values());
  const scale = Math.min(1, Math.max(0.45, (root.clientWidth - 2) / (width + 22)));
  picture.setAttribute("width", Math.round((width + 22) * scale));
  picture.setAttribute("height", Math.round((height + 22) * scale));
  walkable(picture, [...boxes.values()]);
  root.replaceChildren(make("div", {class: "scroll graph"}, picture));
  choice.listeners.push((task) => {
    for (const [place, element] of boxes) element.classList.toggle("chosen", place === task);
    picture.classList.toggle("has-choice", task !== null);
  });
}

// Wide pages read best from the left, narrow ones from above; of both the one that has to be shrunk less is taken.
function bestLayout(shown, width) {
  const first = laidOut(shown, width < 700 ? "TB" : "LR");
  if (shown.length > 60 || first.graph().width <= width) return first;
  const second = laidOut(shown, width < 700 ? "LR" : "TB");
  return second.graph().width < first.graph().width ? second : first;
}

function laidOut(shown, direction) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({rankdir: direction, nodesep: 18, ranksep: direction === "LR" ? 54 : 40, edgesep: 12});
  graph.setDefaultEdgeLabel(() => ({}));
  const placeOf = new Map(shown.map((place) => [data.tasks[place].name, place]));
  for (const place of shown) {
    const signs = Math.max(titleOf(place).length, Math.round(underOf(place).length * 0.86));
    graph.setNode(String(place), {width: Math.max(BOX.least, Math.min(260, signs * BOX.sign + BOX.padding)), height: BOX.height});
  }
  for (const place of shown) {
    for (const need of data.tasks[place].needs) {
      if (placeOf.has(need)) graph.setEdge(String(placeOf.get(need)), String(place));
    }
  }
  for (const [sink, last] of afterwards(shown, placeOf)) graph.setEdge(String(sink), String(last), {isAfter: true});
  dagre.layout(graph);
  return graph;
}

// Tasks of `finally` need none by name, and stand after those that nothing else needs.
function afterwards(shown, placeOf) {
  const needed = new Set(shown.flatMap((place) => data.tasks[place].needs));
  const sinks = shown.filter((place) => !data.tasks[place].last && !needed.has(data.tasks[place].name)).slice(0, MOST_SINKS);
  const last = shown.filter((place) => data.tasks[place].last && !data.tasks[place].needs.some((need) => placeOf.has(need)));
  return last.flatMap((place) => sinks.map((sink) => [sink, place]));
}

const shorten = (text) => text.length > 28 ? `${text.slice(0, 15)}…${text.slice(-12)}` : text;

function titleOf(place) {
  const task = data.tasks[place];
  return shorten(task.name) + (task.maybe ? "?" : "");
}

function underOf(place) {
  const task = data.tasks[place], total = totals(place);
  const words = task.last ? ["finally"] : [];
  if (task.fan || total.items > 1) words.push(counted(total.items, "item"));
  words.push(total.count ? duration(total.span) : wordOf(task.state));
  return words.join(", ");
}

function box(place, spot, isCritical) {
  const task = data.tasks[place], left = spot.x - spot.width / 2, top = spot.y - spot.height / 2;
  const shape = {width: spot.width, height: spot.height, rx: 7};
  const label = `${task.name}: ${wordOf(task.state)}${isCritical ? ", on the critical path" : ""} `;
  return draw("a", {href: "#attempts", class: `task ${task.state}${isCritical ? " critical" : ""}`,
    tabindex: "-1", onclick: (event) => {
      event.preventDefault();
      choice.choose(choice.task === place ? null : place);
    }},
  draw("title", {}, task.reason ? `${label}(${task.reason}) ` : label),
  task.fan ? draw("rect", {...shape, class: "behind", x: left + 5, y: top + 5}) : "",
  draw("rect", {...shape, class: "front", x: left, y: top}),
  draw("rect", {class: "mark", x: left, y: top + 8, width: 4, height: spot.height - 16, rx: 2}),
  draw("text", {x: left + 16, y: top + 19, class: "title"}, titleOf(place)),
  draw("text", {x: left + 16, y: top + 34, class: "under"}, underOf(place)),
  BAD.has(task.state) ? draw("text", {x: left + spot.width - 16, y: top + 20, class: "sign"}, "✕") : "");
}

function tip(id) {
  return draw("marker", {id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto"},
    draw("path", {class: id, d: "M0 0L8 4L0 8z"}));
}

function curve(points) {
  let path = `M${points[0].x.toFixed(1)} ${points[0].y.toFixed(1)}`;
  for (let at = 1; at < points.length - 1; at += 1) {
    const here = points[at], next = points[at + 1], isLast = at === points.length - 2;
    const end = isLast ? next : {x: (here.x + next.x) / 2, y: (here.y + next.y) / 2};
    path += `Q${here.x.toFixed(1)} ${here.y.toFixed(1)} ${end.x.toFixed(1)} ${end.y.toFixed(1)}`;
  }
  return points.length === 2 ? `${path}L${points[1].x.toFixed(1)} ${points[1].y.toFixed(1)}` : path;
}

// One stop for the Tab key; arrow keys go on from there.
function walkable(picture, stops) {
  let at = 0;
  stops[0].setAttribute("tabindex", "0");
  picture.addEventListener("keydown", (event) => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (event.key === " ") {
      stops[at].dispatchEvent(new MouseEvent("click", {cancelable: true}));
      return;
    }
    stops[at].setAttribute("tabindex", "-1");
    at = (at + step + stops.length) % stops.length;
    stops[at].setAttribute("tabindex", "0");
    stops[at].focus();
  });
  stops.forEach((stop, place) => stop.addEventListener("focus", () => { at = place; }));
}
