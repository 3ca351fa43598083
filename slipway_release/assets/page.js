// What runs where, from the document in this page. Texts of others only ever are values of a template: they become text,
// and no markup is made of them.
const data = JSON.parse(document.getElementById("data").textContent);
const made = Date.parse(data.made);
const names = data.environments.map((environment) => environment.name);

const GOOD = new Set(["Synced", "Healthy"]);
const WAITS = { release: "request for", rollback: "taking back to" };
const IMAGES = { main: "every merge to main, and releases", release: "releases alone" };
const DELIVERY = { commit: "by commit", "pull-request": "by pull request", branch: "by commit to a branch of its own" };
const BACK = { automatic: "a bad release is taken back", "pull-request": "taking back is proposed", off: "a bad release is reported" };
const UNITS = [[90, "s", 1], [5400, "min", 60], [129600, "h", 3600], [Infinity, "d", 86400]];

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const needsAttention = (cell) =>
  ["failed", "queued", "unknown"].includes(cell.state) || cell.held || cell.waiting || cell.back || (cell.state === "verified" && cell.said);
const link = (url, text) => (/^https?:\/\//.test(url || "") ? html`<a href=${url} rel="noreferrer">${text}</a>` : text);
const state = (word) => html`<span class="state ${word}">${data.words[word]}</span>`;
const note = (kind, text) => html`<span class="line small ${kind}">${text}</span>`;

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const [, unit, size] = UNITS.find(([most]) => seconds < most);
  return `${Math.round(seconds / size)} ${unit}`;
}
function when(text) {
  if (!text) return nothing;
  const moment = new Date(text);
  const words = `${duration(Math.max(0, (made - moment) / 1000))} ago`;
  return html`<time datetime=${text} title=${moment.toLocaleString()}>${words}</time>`;
}

// The table, with its search and its order

const rows = data.services.map((service) => {
  const cells = Object.values(service.in);
  const words = [service.name, service.team, ...cells.flatMap((cell) => [cell.version, cell.waiting?.version, ...(cell.held || []).map(([version]) => version)])];
  return { service, text: words.filter(Boolean).join(" ").toLowerCase(), attention: cells.some(needsAttention) };
});
const collator = new Intl.Collator("en", { numeric: true });
const order = {
  service: (one, other) => collator.compare(one.service.name, other.service.name),
  team: (one, other) => collator.compare(one.service.team, other.service.team),
};
for (const name of names) {
  // Versions of different services cannot be compared; what changed last can, and what never changed comes last.
  const at = (row) => Date.parse(row.service.in[name]?.at) || 0;
  order[`in ${name}`] = (one, other) => at(other) - at(one);
}

// What is searched and sorted is in the address, so that it can be sent to somebody.
const asked = new URLSearchParams(location.hash.slice(1));
const view = { search: asked.get("search") || "", order: asked.get("order") || "service", attention: asked.has("attention") };
if (!Object.hasOwn(order, view.order.replace(/^-/, ""))) view.order = "service";

function change(changes) {
  Object.assign(view, changes);
  const address = new URLSearchParams();
  if (view.search) address.set("search", view.search);
  if (view.order !== "service") address.set("order", view.order);
  if (view.attention) address.set("attention", "");
  history.replaceState(null, "", `#${address}`);
  show();
}
// What fits on a screen is painted first; the other rows follow at once.
let most = 25;
function shown() {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter((row) => (row.attention || !view.attention) && words.every((word) => row.text.includes(word)));
  const compare = order[view.order.replace(/^-/, "")];
  found.sort((one, other) => (view.order.startsWith("-") ? compare(other, one) : compare(one, other)) || order.service(one, other));
  return found;
}

function head(key, title, more) {
  const isSorted = view.order.replace(/^-/, "") === key;
  const isReversed = view.order === `-${key}`;
  // Newest first is descending; names begin with a.
  const direction = key.startsWith("in ") !== isReversed ? "descending" : "ascending";
  const sign = isSorted ? (direction === "ascending" ? "▲" : "▼") : "↕";
  return html`<th scope="col" role="columnheader" aria-sort=${isSorted ? direction : nothing}>
    <button type="button" title=${key.startsWith("in ") ? "Sort by what changed last" : `Sort by ${key}`}
      @click=${() => change({ order: isSorted && !isReversed ? `-${key}` : key })}>${title} <span aria-hidden="true">${sign}</span></button>
    ${more ? html`<span class="small soft">${more}</span>` : nothing}</th>`;
}
function place(cell, environment) {
  if (!cell) return html`<td role="cell" data-label=${environment} class="none"><span>does not run here</span></td>`;
  const held = (cell.held || []).filter(([version, reason]) => version !== cell.back?.[0] || reason !== cell.back?.[1]);
  const condition = cell.state === "verified" && !cell.sync && !cell.health ? ["Synced", "Healthy"] : [cell.sync, cell.health];
  const facts = condition.filter(Boolean).map((word) => (GOOD.has(word) ? `${word} · ` : html`<span class=${cell.state === "queued" ? "wait" : "failed"}>${word}</span> · `));
  return html`<td role="cell" data-label=${environment}><div>
    ${cell.version ? html`<span class="version">${cell.version}</span> ` : nothing}${state(cell.state)}
    ${cell.at || facts.length ? html`<span class="line small soft">${facts}${when(cell.at)}${cell.by ? ` by ${cell.by}` : ""}</span>` : nothing}
    ${cell.said ? note(cell.state === "failed" || cell.state === "verified" ? "failed" : "", cell.said) : nothing}
    ${cell.back ? note("failed", `${cell.back[0]} was taken back${held.length < (cell.held || []).length ? " and is on hold" : ""}: ${cell.back[1]}`) : nothing}
    ${held.map(([version, reason]) => note("wait", `on hold: ${version}${reason ? `, ${reason}` : ""}`))}
    ${cell.waiting ? note("wait", waits(cell.waiting)) : nothing}
  </div></td>`;
}
function waits({ kind, version = "a release", url, for: people }) {
  const what = `${WAITS[kind] ? `${WAITS[kind]} ` : ""}${version || "a release"}`;
  const whom = people.length ? people.join(" or ") : kind === "approval" ? "a person" : "";
  return html`${link(url, what)} waits${kind === "approval" ? ` for an approval by ${whom}` : whom ? ` for ${whom}` : ""}`;
}
function table(found) {
  return html`<table id="places" class="cards ${names.length > 6 ? "many" : ""}" role="table"><caption class="hidden">Services by environment</caption>
    <thead role="rowgroup"><tr role="row">
      ${head("service", "service")}${head("team", "team")}
      ${data.environments.map((environment) => head(`in ${environment.name}`, environment.name, [
        environment.sync === "manual" ? "synced by hand" : "", environment.requires.length ? `after ${environment.requires.join(", ")}` : "",
        environment.frozen ? "❄ frozen" : ""].filter(Boolean).join(" · ")))}
    </tr></thead>
    <tbody role="rowgroup">${found.slice(0, most).map(({ service }) => html`<tr role="row">
      <th scope="row" role="rowheader">${link(service.url, service.name)}</th><td role="cell" data-label="team" class="team">${service.team}</td>
      ${names.map((name) => place(service.in[name], name))}</tr>`)}</tbody></table>`;
}
function find(found) {
  const attention = rows.filter((row) => row.attention).length;
  return html`<form role="search" @submit=${(event) => event.preventDefault()}>
    <label>Search <input type="search" id="search" autocomplete="off" placeholder="service, team or version" aria-keyshortcuts="/"
      .value=${view.search} @input=${(event) => change({ search: event.target.value })}></label>
    <label class="order">Sorted by <select id="order" @change=${(event) => change({ order: event.target.value })}>
      ${Object.keys(order).map((key) => html`<option value=${key} ?selected=${view.order === key}>${key.startsWith("in ") ? `newest ${key}` : key}</option>`)}
    </select></label>
    <label><input type="checkbox" id="attention" .checked=${view.attention} @change=${(event) => change({ attention: event.target.checked })}>
      only what needs attention (${attention})</label>
    <p role="status" class="soft">${found.length} of ${plural(rows.length, "service")}</p>
  </form>`;
}

// The picture of the platform

function depth(environment) {
  const before = data.environments.filter((one) => environment.requires.includes(one.name));
  return before.length ? 1 + Math.max(...before.map(depth)) : 0;
}
function way() {
  const columns = [];
  for (const environment of data.environments) (columns[depth(environment)] ||= []).push(environment);
  const teams = new Set(data.services.map((service) => service.team)).size;
  return html`<ol id="way" role="list" aria-label="What a release passes, in the order of promotion">
    <li><div class="box start leads"><strong>${plural(data.services.length, "service")}</strong>
      ${note("soft", `of ${plural(teams, "team")}`)}${note("", "a merge or a tag builds an image")}</div></li>
    ${columns.map((column) => html`<li>${column.map(environmentBox)}</li>`)}
  </ol>`;
}
function environmentBox(environment) {
  const facts = [IMAGES[environment.images] || `images of ${environment.images}`, DELIVERY[environment.delivery],
    environment.tags && `tags ${environment.tags}-v… come here alone`, BACK[environment.rollback]].filter(Boolean);
  const gates = [environment.requires.length && `verified in ${environment.requires.join(", ")}`,
    environment.approval && `approved by ${environment.approvers?.join(" or ") || "a person"}`,
    environment.sync === "manual" && "synced by hand", environment.windows && `syncs ${environment.windows}`].filter(Boolean);
  const leads = data.environments.some((one) => one.requires.includes(environment.name));
  return html`<div class="box ${leads ? "leads" : ""}"><strong>${environment.name}</strong>
    ${note("soft", plural(environment.services, "service"))}${facts.map((text) => note("", text))}
    ${gates.length || environment.frozen ? html`<div class="gate">${gates.map((text) => note("wait", text))}
      ${environment.frozen ? note("frozen", "❄ frozen") : nothing}</div>` : nothing}</div>`;
}

// What happened

function release(one) {
  return html`<li><details><summary>
    <span class="soft ago">${when(one.at)}</span><span><strong>${one.service} ${one.version}</strong>${one.back ? html` <span class="small wait">taking back ${one.back}</span>` : nothing}</span>
    <span class="to">to ${one.environment}</span>${state(one.state)}
    </summary><ol class="steps" role="list">
      ${one.steps.map(([at, word, said]) => html`<li><span class="soft">${when(at)}</span><span class=${word === "failure" || word === "error" ? "failed" : ""}>${said}</span></li>`)}
      ${one.url ? html`<li><span></span><span>${link(one.url, html`details<span class="hidden"> of ${one.service} ${one.version} in ${one.environment}</span>`)}</span></li>` : nothing}
    </ol></details></li>`;
}
function trend(weeks, key, print) {
  const values = weeks.map((week) => week?.[key] ?? null);
  if (values.every((value) => value === null)) return nothing;
  const most = Math.max(...values) || 1;
  const words = `by week, oldest first: ${values.map((value) => (value === null ? "nothing known" : print(value))).join(", ")}`;
  return html`<svg class="trend" role="img" aria-label=${words} viewBox="0 0 22 12" preserveAspectRatio="none"><title>${words}</title>
    ${values.map((value, index) => {
      const height = value === null ? 0.5 : Math.max(1, (12 * value) / most);
      return svg`<rect class=${value === null ? "gap" : "bar"} x=${index * 6} y=${12 - height} width="4" height=${height}></rect>`;
    })}</svg>`;
}
function figures() {
  const percent = (share) => (share === null ? "–" : `${Math.round(share * 100)} %`);
  const columns = [["releases a week", "deployments_per_week", String], ["lead time", "lead_time_seconds", duration],
    ["failure rate", "change_failure_rate", percent], ["time to restore", "time_to_restore_seconds", duration]];
  if (!data.dora.length) return html`<p class="soft">There are no figures yet.</p>`;
  return html`<table id="dora" class="cards" role="table"><caption class="hidden">DORA's figures by environment</caption>
    <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">environment</th>${columns.map(([title]) => html`<th scope="col" role="columnheader">${title}</th>`)}</tr></thead>
    <tbody role="rowgroup">${data.dora.map((one) => html`<tr role="row"><th scope="row" role="rowheader">${one.environment}</th>
      ${columns.map(([title, key, print]) => html`<td role="cell" data-label=${title}><span class="number"><span>${print(one[key])}</span>${trend(one.weeks, key, print)}</span></td>`)}</tr>`)}</tbody></table>`;
}

// Below hundreds of services nobody would find the rest. The address keeps search and order, so it names no part.
const PARTS = { way: "The way of a release", newest: "Newest releases", figures: "DORA's figures" };
function jump(event, part) {
  event.preventDefault();
  const title = document.getElementById(part);
  title.scrollIntoView();
  title.focus({ preventScroll: true });
}
const title = (part, more = "") => html`<h2 id="part-${part}" tabindex="-1">${PARTS[part]}${more}</h2>`;
function contents() {
  return html`<nav aria-label="On this page">${Object.entries(PARTS).map(([part, text]) =>
    html`<a href="#part-${part}" @click=${(event) => jump(event, `part-${part}`)}>${text}</a>`)}</nav>`;
}

function show() {
  const found = shown();
  const days = data.dora[0]?.days ?? 30;
  render(html`
    <header><h1>What runs where</h1>
      <p class="soft">${link(data.url, data.repository)} · as of ${new Date(made).toLocaleString()}${data.run ? html` · ${link(data.run, "run")}` : nothing}</p>${contents()}</header>
    <main>
      ${data.environments.filter((one) => one.frozen).map((one) => html`<p class="banner"><strong class="frozen">❄ ${one.name} is frozen</strong>: ${one.frozen}</p>`)}
      ${find(found)}
      ${found.length ? table(found) : html`<p id="empty">${rows.length ? "Nothing fits the search." : "There are no services yet."}</p>`}
      <p class="soft small"><strong>Verified</strong>: Argo CD saw exactly this version Synced and Healthy, its sync Succeeded, and that is in the record.
        <strong>On hold</strong>: nothing brings this version until a person releases it from hold, or a newer one comes.
        <strong>Frozen</strong>: nothing new comes to this environment until a person ends that. Press / to search.</p>
      ${title("way")}${way()}
      ${title("newest")}
      ${data.releases.length ? html`<ol id="releases" role="list">${data.releases.map(release)}</ol>` : html`<p class="soft">Nothing was released yet.</p>`}
      ${title("figures", ` of the last ${plural(days, "day")}`)}
      ${data.dora.length ? html`<p class="soft small">Bars are weeks, the oldest first. Lead time: from commit to verified. Time to restore: from a failure to the next verified release.</p>` : nothing}
      ${figures()}
    </main>`, document.getElementById("page"));
}

document.title = `What runs where: ${data.repository}`;
document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});
show();
requestAnimationFrame(() => setTimeout(() => { most = Infinity; show(); }));
