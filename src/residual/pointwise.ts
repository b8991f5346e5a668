import { dataInputs, type Op, scalarOf, type Val, type View } from './view.js';

/** What a value is when it follows element by element from one other value. */
export interface Source {
  readonly of: Val;
  /** Whether it is a scaled and shifted copy. */
  readonly linear: boolean;
}

const LINEAR: ReadonlySet<string> = new Set(['Neg', 'Identity']);

/** Where values follow element by element from a single one: activations of any spelling, scales, shifts. O(operations). */
export class Pointwise {
  readonly #sources = new Map<Val, Source>();

  constructor(view: View) {
    for (const op of view.ops) {
      const source = this.#infer(op);
      if (source) for (const val of op.outputs) this.#sources.set(val, source);
    }
  }

  /** The value that `val` is an elementwise function of, as far back as there is a single one. */
  source(val: Val): Source | undefined {
    return this.#sources.get(val);
  }

  /** Whether the value is a non-linear elementwise function of one other value. */
  isActivation(val: Val): boolean {
    return this.source(val)?.linear === false;
  }

  #infer(op: Op): Source | undefined {
    if (op.kind !== 'pointwise' && op.kind !== 'add' && op.kind !== 'mul' && op.kind !== 'div') return undefined;
    const data = dataInputs(op);
    const first = data[0];
    if (!first) return undefined;
    const root = this.source(first)?.of ?? first;
    if (!data.every((val) => (this.source(val)?.of ?? val) === root || val === root)) return undefined;
    const inner = data.every((val) => val === root || this.source(val)?.linear === true);
    return { of: root, linear: inner && isLinear(op, data) };
  }
}

function isLinear(op: Op, data: readonly Val[]): boolean {
  if (op.kind === 'add') return true;
  if (op.kind === 'mul') return data.length === 1;
  if (op.kind === 'div') return data.length === 1 && data[0] === op.inputs[0];
  return LINEAR.has(op.type) || (isGuard(op) && data.length === 1);
}

/** Bounds beyond which a Clip keeps numbers representable instead of shaping them. */
const GUARD = 1000;

/** Whether a Clip, Min or Max has bounds that only keep numbers within the range of a type, or bounds that no constant gives. */
export function isGuard(op: Op): boolean {
  if (op.type !== 'Clip' && op.type !== 'Min' && op.type !== 'Max') return false;
  const bounds = op.inputs.slice(1).flatMap((val) => (val ? [scalarOf(val)] : []));
  const given = ['min', 'max'].flatMap((name) => {
    const attr = op.node.attrs.get(name);
    return attr?.type === 'FLOAT' ? [attr.value] : [];
  });
  const all = [...bounds, ...given];
  return all.length > 0 && all.every((bound) => bound === undefined || Math.abs(bound) >= GUARD);
}
