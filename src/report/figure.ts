import type { ResidualJson, SiteJson } from '../residual/report.js';
import { type Html, html } from './html.js';
import { plural } from './words.js';

/** Lanes in pixels: the stream at the left, its branches at the right. */
const TRUNK = 70;
const LANE = 150;
const ROW = 78;
const TOP = 24;
const WIDTH = 720;
const CHIP = 24;

/** One stage of a stream, drawn once for its repeated layer: the stream from top to bottom, a row for each site. */
export function stageFigure(stage: ResidualJson['stages'][number], byId: ReadonlyMap<string, SiteJson>): Html {
  const { layer, repeats } = stage;
  const sites = stage.sites.slice(0, layer.length).flatMap((id) => byId.get(id) ?? []);
  const height = TOP + sites.length * ROW + 24;
  const said = sites.map((site) => site.description).join('; ');
  const label = `${plural(stage.sites.length, 'site')}${repeats > 1 ? `, ${repeats} times` : ''}: ${said}`;
  return html`<svg
    viewBox="0 0 ${WIDTH} ${height}"
    width="${WIDTH}"
    height="${height}"
    role="img"
    aria-label="${label}"
  >
    <line class="trunk" x1="${TRUNK}" y1="4" x2="${TRUNK}" y2="${height - 4}" />
    ${sites.map((site, row) => siteRow(site, TOP + row * ROW))}${repeats > 1 ? html`<text x="8" y="${height / 2}">× ${repeats}</text>` : ''}
  </svg> `;
}

/** The branch leaves the stream at `top` and meets it again further down. */
function siteRow(site: SiteJson, top: number): Html {
  const [middle, sum] = [top + 20, top + 44];
  const chips = chipsOf(site);
  let x = LANE;
  const boxes = chips.map(({ text, isNorm }) => {
    const width = 18 + text.length * 7;
    const at = x;
    x += width + 14;
    return html`<rect
        class="${isNorm ? 'norm' : 'box'}"
        x="${at}"
        y="${middle - CHIP / 2}"
        width="${width}"
        height="${CHIP}"
        rx="5"
      /><text x="${at + 9}" y="${middle + 4}">${text}</text> `;
  });
  const end = x - 14;
  const sign = /concat/.test(site.kind) ? '‖' : '+';
  return html`<path
      class="wire"
      d="M ${TRUNK} ${top - 8} H ${TRUNK + 48} V ${middle} H ${end + 14} V ${sum} H ${TRUNK + 11}"
    />
    ${boxes}<circle class="sum" cx="${TRUNK}" cy="${sum}" r="11" /><text
      x="${TRUNK}"
      y="${sum + 4}"
      text-anchor="middle"
      >${sign}</text
    >
    ${skipMark(site, middle)}${site.placement === 'post' ? trunkNorm(sum) : ''}<text
      class="soft"
      x="${end + 26}"
      y="${middle + 4}"
      >${site.id} ${site.kind}</text
    > `;
}

/** What stands on the branch, in order. */
function chipsOf({
  placement,
  branch,
  branches,
  scale,
  gate,
}: SiteJson): readonly { readonly text: string; readonly isNorm: boolean }[] {
  const norms = [...new Set(branch.norms)].join(', ') || 'norm';
  const norm = { text: norms, isNorm: true };
  const content = { text: branches > 1 ? `${branches} branches` : branch.content, isNorm: false };
  const before = ['pre', 'sandwich', 'adaln', 'pre-activation'].includes(placement) ? [norm] : [];
  const behind = placement === 'post-branch' || placement === 'sandwich' ? [norm] : [];
  const factor = [scale?.on === 'branch' ? 'scale' : '', gate?.on === 'branch' ? 'gate' : ''].filter(
    (text) => text !== '',
  );
  return [...before, content, ...behind, ...factor.map((text) => ({ text, isNorm: false }))];
}

/** What the skip goes through, beside the stream. */
function skipMark({ projection, scale, gate }: SiteJson, y: number): Html | string {
  const texts = [projection?.operators[0], scale?.on === 'skip' && 'scale', gate?.on === 'skip' && 'gate'];
  const text = texts.find((each) => typeof each === 'string');
  if (typeof text !== 'string') return '';
  return html`<rect class="box" x="${TRUNK - 34}" y="${y - 9}" width="68" height="18" rx="4" /><text
      x="${TRUNK}"
      y="${y + 4}"
      text-anchor="middle"
      >${text.slice(0, 10)}</text
    > `;
}

function trunkNorm(sum: number): Html {
  return html`<rect class="norm" x="${TRUNK - 26}" y="${sum + 14}" width="52" height="16" rx="4" /><text
      x="${TRUNK}"
      y="${sum + 26}"
      text-anchor="middle"
      >norm</text
    > `;
}
