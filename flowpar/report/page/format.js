// What all scripts of the page share: the data, how it is written for people, and how elements are made.
// Text becomes text nodes and attributes only; nothing here ever reads a text as HTML.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const attempts = data.attempts;
const attemptCount = attempts.task.length;

const STATES = {
  succeeded: "succeeded", cached: "cached", repeated: "round done", running: "running", retried: "tried again",
  failed: "failed", timed_out: "timed out", tolerated: "failed (tolerated)", cut_off: "cut off", cancelled: "cancelled",
  skipped: "skipped", pending: "not started",
};
const BAD = new Set(["failed", "timed_out", "cut_off"]);

const stateOf = (number) => attempts.state[number].endsWith("+") ? "tolerated" : attempts.state[number];
const wordOf = (state) => STATES[state] || state;

function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(seconds < 0.001 && seconds > 0 ? 1 : 0)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60), rest = Math.round(seconds) % 60;
  if (minutes < 60) return `${minutes}m${String(rest).padStart(2, "0")}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, "0")}m`;
}

function kibibytes(amount) {
  if (amount === null || amount === undefined) return "";
  if (amount < 1024) return `${amount} KiB`;
  return amount < 1 << 20 ? `${(amount / 1024).toFixed(1)} MiB` : `${(amount / (1 << 20)).toFixed(1)} GiB`;
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

function nameOf(number) {
  const item = attempts.item[number], name = data.names[attempts.name[number]];
  return item === null ? name : `${name}[${item}]`;
}

const keyOf = (number) => attempts.key.length && attempts.key[number] !== null ? attempts.key[number] : "";
const roundOf = (number) => attempts.round.length ? attempts.round[number] : null;

function fullName(number) {
  const parts = [nameOf(number)];
  if (keyOf(number)) parts.push(`(${keyOf(number)})`);
  if (roundOf(number)) parts.push(`round ${roundOf(number)}`);
  if (attempts.attempt[number] > 1) parts.push(`attempt ${attempts.attempt[number]}`);
  return parts.join(" ");
}

function badge(state) {
  return make("span", {class: `state ${state}`}, make("span", {class: "dot", "aria-hidden": "true"}), wordOf(state));
}

// Whoever shows tasks hears of it when one is chosen, or none (null).
const choice = {
  task: null,
  listeners: [],
  choose(task) {
    this.task = task;
    for (const listener of this.listeners) listener(task);
  },
};
