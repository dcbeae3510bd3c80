// Puts the page together: sums, tables, the graph and the timeline, and what copies commands.
"use strict";

const totalsOf = (() => {
  const found = data.tasks.map(() => ({count: 0, items: 0, took: 0, longest: null, cpu: null, memory: null, waited: null,
    from: Infinity, to: -Infinity}));
  const most = (a, b) => b === null ? a : a === null || b > a ? b : a;
  const seen = new Set();
  for (let number = 0; number < attemptCount; number += 1) {
    const total = found[attempts.task[number]];
    if (!total) continue;
    const item = `${attempts.name[number]}/${attempts.item[number]}`;
    if (!seen.has(item)) {
      seen.add(item);
      total.items += 1;
    }
    if (attempts.start[number] === null) continue;
    const took = attempts.took[number] || 0;
    total.count += 1;
    total.took += took;
    total.longest = most(total.longest, took);
    total.waited = most(total.waited, attempts.wait[number]);
    total.memory = most(total.memory, attempts.memory[number]);
    if (attempts.cpu[number] !== null) total.cpu = (total.cpu || 0) + attempts.cpu[number];
    total.from = Math.min(total.from, attempts.start[number]);
    total.to = Math.max(total.to, attempts.start[number] + took);
  }
  for (const total of found) total.span = total.count ? total.to - total.from : null;
  return found;
})();

function totals(place) {
  return totalsOf[place];
}

function showSums() {
  const tiles = document.getElementById("tiles"), all = totalsOf.reduce((sum, one) => ({
    cpu: sum.cpu + (one.cpu || 0), took: sum.took + one.took, count: sum.count + one.count,
    memory: Math.max(sum.memory, one.memory || 0)}), {cpu: 0, took: 0, count: 0, memory: 0});
  const tile = (name, text, under) => tiles.append(make("div", {}, make("dt", {}, name),
    make("dd", {}, text, under ? make("span", {class: "under"}, under) : "")));
  tile("Tasks", data.tasks.length.toLocaleString("en"), counted(data.allAttempts > attemptCount ? data.allAttempts : all.count, "attempt"));
  if (all.count) tile("CPU time", duration(all.cpu), `of ${duration(all.took)} in tasks`);
  if (all.memory) tile("Peak memory", kibibytes(all.memory), "of one task");
  if (data.critical.length) {
    const path = data.critical, sum = (column) => path.reduce((total, number) => total + (column[number] || 0), 0);
    tile("Critical path", duration(sum(attempts.took)), `${counted(path.length, "attempt")}, ${duration(sum(attempts.wait))} of waiting`);
  }
  showShares();
}

function showShares() {
  const counts = {};
  for (const task of data.tasks) {
    const entries = Object.entries(task.counts).filter(([state]) => state !== "retried" && state !== "repeated");
    for (const [state, number] of entries) counts[state] = (counts[state] || 0) + number;
    if (!entries.length) counts[task.state] = (counts[task.state] || 0) + 1;
  }
  const present = Object.keys(STATES).filter((state) => counts[state]);
  const whole = present.reduce((sum, state) => sum + counts[state], 0);
  if (!whole) return;
  let left = 0;
  const bars = present.map((state) => {
    const width = Math.max(0.6, 100 * counts[state] / whole), bar = draw("rect", {class: `bar ${state}`, x: left, y: 0, width, height: 10});
    left += width;
    return bar;
  });
  document.getElementById("shares").append(
    draw("svg", {viewBox: `0 0 ${left} 10`, preserveAspectRatio: "none", class: "shares", "aria-hidden": "true"}, ...bars),
    make("ul", {class: "legend", "aria-label": "Tasks and items by how they ended"},
      ...present.map((state) => make("li", {}, badge(state), `${counts[state].toLocaleString("en")}`))));
}

function showTasks() {
  const columns = [
    {title: "Task", value: (place) => data.tasks[place].name, cell: (place) => make("button", {type: "button", class: "link",
      onclick: () => choice.choose(choice.task === place ? null : place)}, data.tasks[place].name)},
    {title: "State", value: (place) => wordOf(data.tasks[place].state), cell: (place) => taskState(place)},
    {title: "Took", number: true, value: (place) => totals(place).span, cell: (place) => duration(totals(place).span)},
    {title: "Longest", number: true, value: (place) => totals(place).longest, cell: (place) => duration(totals(place).longest)},
    {title: "CPU", number: true, value: (place) => totals(place).cpu, cell: (place) => duration(totals(place).cpu)},
    {title: "Peak memory", number: true, value: (place) => totals(place).memory, cell: (place) => kibibytes(totals(place).memory)},
    {title: "Longest wait", number: true, value: (place) => totals(place).waited, cell: (place) => duration(totals(place).waited)},
    {title: "Needs", value: (place) => data.tasks[place].needs.join(", ")},
  ];
  new PagedTable(document.getElementById("task-table"), {label: "Tasks", columns, rows: data.tasks.map((_, place) => place),
    text: (place) => data.tasks[place].name, state: (place) => data.tasks[place].state});
}

function taskState(place) {
  const task = data.tasks[place], counts = Object.entries(task.counts);
  const number = counts.reduce((sum, [, count]) => sum + count, 0);
  const many = number > 1 ? counts.map(([state, count]) => `${count.toLocaleString("en")} ${wordOf(state)}`).join(", ") : task.reason;
  return make("span", {}, badge(task.state), many ? make("span", {class: "under"}, many) : "",
    ...(task.because || []).map((each) => make("span", {class: "under because"}, each)));
}

function showAttempts() {
  const column = (title, values, cell) => ({title, number: true, value: (number) => values[number], cell: (number) => cell(values[number])});
  const columns = [
    {title: "Task or item", value: nameOf, cell: (number) => make("span", {class: "mono"}, fullName(number))},
    {title: "State", value: (number) => wordOf(stateOf(number)), cell: (number) => make("span", {}, badge(stateOf(number)),
      data.errors[number] ? make("span", {class: "under"}, data.errors[number]) : "")},
    column("Started", attempts.start, duration), column("Took", attempts.took, duration),
    column("Waited", attempts.wait, duration), column("CPU", attempts.cpu, duration),
    column("Peak memory", attempts.memory, kibibytes), column("Process", attempts.pid, (pid) => pid === null ? "" : String(pid)),
  ];
  const root = document.getElementById("attempt-table");
  if (data.allAttempts > attemptCount) {
    root.append(make("p", {class: "faint"}, `${attemptCount.toLocaleString("en")} of ${counted(data.allAttempts, "attempt")} are ` +
      "here: all that went wrong, the critical path, and an even share of the others."));
  }
  const chosen = make("p", {class: "chosen-task", hidden: true});
  root.append(chosen);
  const table = new PagedTable(root, {label: "Attempts", columns, rows: attempts.task.map((_, number) => number),
    text: (number) => `${fullName(number)} ${data.errors[number] || ""}`, state: stateOf});
  choice.listeners.push((task) => {
    table.only = task === null ? null : (number) => attempts.task[number] === task;
    chosen.hidden = task === null;
    if (task !== null) {
      chosen.replaceChildren("Only ", make("strong", {}, data.tasks[task].name), " ",
        make("button", {type: "button", onclick: () => choice.choose(null)}, "Show all"),
        ...(data.tasks[task].because || []).map((each) => make("span", {class: "under because"}, each)));
    }
    table.restart();
  });
}

function offerCopies() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button.copy")) {
    const text = button.parentElement.querySelector("code").textContent;
    button.hidden = false;
    button.setAttribute("aria-label", `Copy: ${text}`);
    button.addEventListener("click", () => navigator.clipboard.writeText(text).then(() => {
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    }, () => getSelection().selectAllChildren(button.parentElement.querySelector("code"))));
  }
}

// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not([open])")) {
    folded.open = true;
    folded.dataset.opened = "";
  }
});
addEventListener("afterprint", () => {
  for (const folded of document.querySelectorAll("details[data-opened]")) {
    folded.open = false;
    delete folded.dataset.opened;
  }
});

showSums();
showTasks();
showAttempts();
new Timeline(document.getElementById("chart"));
offerCopies();
// The page is there to be read before the graph is laid out, which is most of the work.
setTimeout(() => {
  drawGraph(document.getElementById("drawing"), document.getElementById("graph-note"));
  document.documentElement.dataset.ready = "";
}, 0);
