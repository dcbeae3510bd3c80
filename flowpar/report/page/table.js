// A table of any number of rows: a page of them at a time, sorted by a column, narrowed by a text and a state.
"use strict";

const PAGE_ROWS = innerWidth < 640 ? 15 : 50;

class PagedTable {
  // columns: [{title, number?, value(row), cell?(row)}]; value is what is sorted by, cell what is shown.
  constructor(root, {label, columns, rows, text, state}) {
    Object.assign(this, {root, label, columns, rows, text, state});
    this.page = 0;
    this.sorted = {column: null, down: false};
    this.only = null;
    this.build();
    this.show();
  }

  build() {
    const id = this.root.id;
    this.search = make("input", {type: "search", id: `${id}-search`, autocomplete: "off", oninput: () => this.restart()});
    const states = [...new Set(this.rows.map(this.state))].filter(Boolean);
    this.select = make("select", {id: `${id}-state`, onchange: () => this.restart()},
      make("option", {value: ""}, "any state"), ...states.map((state) => make("option", {value: state}, wordOf(state))));
    this.status = make("p", {class: "status-line faint", role: "status"});
    this.heads = this.columns.map((column, place) => this.head(column, place));
    this.body = make("tbody", {});
    const table = make("table", {}, make("caption", {class: "quiet"}, this.label),
      make("thead", {}, make("tr", {}, ...this.heads)), this.body);
    this.back = make("button", {type: "button", onclick: () => this.turn(-1)}, "Previous");
    this.next = make("button", {type: "button", onclick: () => this.turn(1)}, "Next");
    this.pager = make("div", {class: "pager"}, this.back, this.next);
    this.root.append(
      make("div", {class: "tools"},
        make("label", {for: `${id}-search`}, "Find"), this.search,
        make("label", {for: `${id}-state`, class: "quiet"}, "State"), this.select, this.status),
      make("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": `Table of ${this.label.toLowerCase()}`}, table), this.pager);
  }

  head(column, place) {
    const button = make("button", {type: "button", onclick: () => this.sort(place)}, column.title,
      make("span", {class: "arrow", "aria-hidden": "true"}));
    return make("th", {scope: "col", class: column.number ? "number" : null}, button);
  }

  sort(place) {
    const isSame = this.sorted.column === place;
    // Numbers are mostly asked for the largest first.
    this.sorted = {column: place, down: isSame ? !this.sorted.down : Boolean(this.columns[place].number)};
    this.restart();
  }

  restart() {
    this.page = 0;
    this.show();
  }

  turn(pages) {
    this.page += pages;
    this.show();
  }

  found() {
    const wanted = this.search.value.trim().toLowerCase(), state = this.select.value;
    const rows = this.rows.filter((row) => (!this.only || this.only(row)) && (!state || this.state(row) === state) &&
      (!wanted || this.text(row).toLowerCase().includes(wanted)));
    const {column, down} = this.sorted;
    if (column === null) return rows;
    const value = this.columns[column].value, sign = down ? -1 : 1;
    const isMissing = (one) => one === null || one === undefined || one === "";
    return rows.map((row) => [value(row), row]).sort(([a], [b]) => {
      if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
      return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
    }).map(([, row]) => row);
  }

  show() {
    const rows = this.found();
    this.page = Math.max(0, Math.min(this.page, Math.ceil(rows.length / PAGE_ROWS) - 1));
    const first = this.page * PAGE_ROWS, shown = rows.slice(first, first + PAGE_ROWS);
    this.body.replaceChildren(...shown.map((row) => this.line(row)));
    this.heads.forEach((head, place) => {
      const isSorted = this.sorted.column === place;
      if (isSorted) head.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.status.textContent = rows.length === 0 ? "Nothing matches." :
      rows.length <= PAGE_ROWS ? `${rows.length.toLocaleString("en")} of ${this.rows.length.toLocaleString("en")}` :
        `${(first + 1).toLocaleString("en")} to ${(first + shown.length).toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
    this.back.disabled = this.page === 0;
    this.next.disabled = first + PAGE_ROWS >= rows.length;
    this.pager.hidden = rows.length <= PAGE_ROWS;
  }

  line(row) {
    return make("tr", {}, ...this.columns.map((column, place) => {
      const content = (column.cell || column.value)(row);
      const text = content === null || content === undefined ? "" : content;
      return place === 0 ? make("th", {scope: "row"}, text) : make("td", {class: column.number ? "number" : null}, text);
    }));
  }
}
