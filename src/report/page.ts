import { type Content, Html, html } from './html.js';

/** A column of a table; numbers stand at the right. */
export type Column = string | { readonly title: string; readonly isNumber: true };

/** Rows of a table that are shown at once; longer tables are folded. */
const OPEN_ROWS = 24;

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --back: #fff; --panel: #f6f8fa; --norm: #8250df; --branch: #0a5fc0; --add: #1a7f37; --gone: #b42318; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa5b1; --line: #3d444d; --back: #0d1117; --panel: #161b22; --norm: #d2a8ff; --branch: #79b8ff; --add: #56d364; --gone: #ff9b8e; --warn: #e3b341; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
td code { display: inline-block; min-width: 10ch; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .75rem 0; padding: 0; }
.facts div { min-width: 7rem; }
.facts dt { color: var(--soft); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.1rem; }
.added { color: var(--add); } .removed, .error { color: var(--gone); } .warning { color: var(--warn); }
svg { display: block; max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); }
svg .trunk, svg .wire { stroke: var(--ink); fill: none; } svg .trunk { stroke-width: 3; } svg .wire { stroke-width: 1.5; }
svg .box { fill: var(--panel); stroke: var(--branch); } svg .norm { fill: var(--panel); stroke: var(--norm); stroke-width: 2; } svg .sum { fill: var(--back); stroke: var(--ink); stroke-width: 2; }
summary { cursor: pointer; } a { color: var(--branch); }
`;

/** A whole page: self-contained, without scripts, and nothing in it asks for a network. */
export function page(title: string, body: Content): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="generator" content="resonnx" />
        <title>${title}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.text;
}

/** A part of a page under a heading; nothing without content. */
export function section(title: string, ...content: readonly Content[]): Html {
  const id = title.toLowerCase().replaceAll(/\W+/g, '-');
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${content}
  </section> `;
}

/** Facts by name. */
export function facts(entries: readonly (readonly [string, Content])[]): Html {
  return html`<dl class="facts">
    ${entries.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl> `;
}

/** A table; a long one is folded. Nothing without rows. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Html {
  if (rows.length === 0) return html``;
  const cell = (column: Column): Html => (typeof column === 'string' ? html`` : html` class="number"`);
  const heads = columns.map(
    (column) => html`<th scope="col" ${cell(column)}>${typeof column === 'string' ? column : column.title}</th>`,
  );
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((value, index) => html`<td${cell(columns[index] ?? '')}>${value}</td>`)}
      </tr> `,
  );
  // A region that scrolls can be reached with the keyboard.
  const whole = html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div> `;
  return rows.length <= OPEN_ROWS
    ? whole
    : html`<details>
        <summary>${caption} (${rows.length})</summary>
        ${whole}
      </details> `;
}

/** A name out of the model. */
export function code(text: string): Html {
  return html`<code>${text}</code>`;
}

/** The first of many places, the rest folded. */
export function places(names: readonly string[]): Html {
  const [first = '', ...rest] = names;
  if (rest.length === 0) return code(first);
  const list = rest.map((name) => html`<li>${code(name)}</li>`);
  return html`<details>
    <summary>${code(first)} and ${rest.length} more</summary>
    <ul>
      ${list}
    </ul>
  </details>`;
}
