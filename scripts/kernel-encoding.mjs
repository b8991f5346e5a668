import { encodeTypes } from './schema-encoding.mjs';

const UNBOUNDED = 2147483647;

function sameTypes(a, b, name) {
  return encodeTypes(a.types[name]) === encodeTypes(b.types[name]);
}

/** One kernel for two of the same versions that differ in the types of one constraint only; `undefined` for others. */
function merged(a, b) {
  const names = Object.keys(a.types);
  if (a.versions.join() !== b.versions.join() || names.length !== Object.keys(b.types).length) return undefined;
  if (!names.every((name) => name in b.types)) return undefined;
  const differing = names.filter((name) => !sameTypes(a, b, name));
  if (differing.length > 1) return undefined;
  const [name] = differing;
  return name === undefined ? a : { ...a, types: { ...a.types, [name]: [...a.types[name], ...b.types[name]] } };
}

function merge(kernels) {
  const done = [];
  for (const kernel of kernels) {
    let current = kernel;
    for (let i = 0; i < done.length; i++) {
      const both = merged(done[i], current);
      if (!both) continue;
      current = both;
      done.splice(i, 1);
      i = -1;
    }
    done.push(current);
  }
  return done;
}

function encodeKernel({ versions: [from, to], types }) {
  const constraints = Object.keys(types)
    .toSorted()
    .map((name) => `${name}=${encodeTypes(types[name])}`);
  return `${from}-${to === UNBOUNDED ? '' : to}|${constraints.join(';')}`;
}

/**
 * One line per operator: its name, then ` @` and one kernel after the other, each
 * `first version-[last version]|constraint=types;…` in the type codes of the schema tables.
 */
export function encodeKernels(op, kernels) {
  const sorted = kernels.toSorted((a, b) => a.versions[0] - b.versions[0] || a.versions[1] - b.versions[1]);
  return `${op} @${merge(sorted).map(encodeKernel).join(' @')}`;
}
