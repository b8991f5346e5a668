import { parse } from '../dim/dim.js';
import type { Shape } from '../ir/type.js';
import { EXIT, Exit } from './exit.js';

/** A command that was given wrong options. */
export function usage(what: string): Exit {
  return new Exit(EXIT.usage, `error: ${what}`);
}

/** Collects an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** A whole number of an option. */
export function count(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw usage(`--${name} ${text}: give a whole number`);
  return Number(text);
}

/** Reads `NAME=1,3,?,?` of `--shape`; `?` keeps a dim. */
export function parseShapes(list: readonly string[]): ReadonlyMap<string, Shape> {
  return new Map(list.map(parseShape));
}

function parseShape(text: string): readonly [string, Shape] {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw usage(`--shape ${text}: give NAME=1,3,224,224`);
  const sizes = text
    .slice(at + 1)
    .split(',')
    .filter((part) => part !== '');
  const shape = sizes.map((part) => {
    if (part.trim() === '?') return null;
    const dim = parse(part);
    if (dim === undefined || dim === null) throw usage(`--shape ${text}: a size is a number, a name or ?`);
    return dim;
  });
  return [text.slice(0, at), shape];
}
