/** Text that is HTML already. */
export class Html {
  readonly text: string;

  /** Only {@link html} makes one of text that it has escaped. */
  constructor(text: string) {
    this.text = text;
  }
}

/** What can stand in {@link html}: HTML as it is, everything else as text. Lists one after the other, nothing for `undefined` and `false`. */
export type Content = Html | string | number | false | undefined | readonly Content[];

/** HTML from a template; what stands in `${}` is escaped unless it is HTML itself, in attribute values as well. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(parts.map((part, index) => part + (index < values.length ? render(values[index]) : '')).join(''));
}

function render(value: Content): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value));
  return value.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters have no place in HTML; those of writing direction would reorder what stands around them. */
function escape(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
