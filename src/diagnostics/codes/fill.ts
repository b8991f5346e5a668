import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** A `fill:` location of a kind that there is not, or for an element type that has no numbers. */
export function unknownFill(at: Place, location: string, why: string): Diagnostic {
  const hint = 'Use one of fill:normal, fill:uniform, fill:rows, fill:arange, fill:constant, fill:ones, fill:zeros.';
  return diagnostic('error', 'fill/unknown', at, `${location} cannot be filled: ${why}`, hint);
}

/** A key of a `fill:` location whose value is no number of the wanted kind. */
export function badFillNumber(at: Place, key: string, value: string, wanted: string): Diagnostic {
  return diagnostic('error', 'fill/bad-number', at, `${key} is ${JSON.stringify(value)}, expected ${wanted}`);
}
