import { AttributeType } from '../proto/enums.js';
import type { AttributeProto } from '../proto/messages.js';
import type { Attribute } from '../ir/attribute.js';
import type { Fn } from '../ir/model.js';
import type { NodeContext } from './context.js';
import type { Steps } from './control.js';
import type { Engine } from './engine.js';
import { type Fact, joinFacts, sameFact, UNKNOWN } from './fact.js';
import { problemsOf, Scope } from './scope.js';

/** Deepest nesting of calls that is followed. */
const MAX_DEPTH = 1024;

/** Infers a call of a model-local function through its body, with the attributes and input facts of this call. */
export function* callFunction(cx: NodeContext, fn: Fn, around: Scope, engine: Engine): Steps {
  if (around.depth >= MAX_DEPTH) return;
  const scope = around.calls.get(cx.node) ?? new Scope(callAttributes(cx, fn), around.depth + 1);
  around.calls.set(cx.node, scope);
  const inputs = fn.graph.inputs.map((_, index) => cx.fact(index));
  engine.summarize(fn.graph, (before) => mergeInputs(before, inputs));
  const outputs = yield { graph: fn.graph, inputs, scope };
  outputs.forEach((fact, index) => {
    if (index < cx.outputCount) cx.results[index] = fact;
  });
  for (const problem of problemsOf(scope)) cx.problem(problem);
}

/** What the attribute references of the body mean in this call. */
function callAttributes(cx: NodeContext, fn: Fn): ReadonlyMap<string, Attribute> {
  const attributes = defaultAttributes(fn);
  for (const [name, attr] of cx.attributes()) attributes.set(name, attr);
  return attributes;
}

/** Defaults that the function declares; those of attributes that hold tensors or graphs stay open. */
export function defaultAttributes(fn: Fn): Map<string, Attribute> {
  const found = new Map<string, Attribute>();
  for (const { name = '', type, f, i, s, floats, ints, strings } of fn.proto.attributeProto) {
    const attr = readDefault(type ?? 0, { f, i, s, floats, ints, strings });
    if (attr) found.set(name, attr);
  }
  return found;
}

type Defaults = Pick<AttributeProto, 'f' | 'i' | 's' | 'floats' | 'ints' | 'strings'>;

function readDefault(type: number, proto: Defaults): Attribute | undefined {
  switch (type) {
    case AttributeType.FLOAT:
      return { type: 'FLOAT', value: proto.f ?? 0 };
    case AttributeType.INT:
      return { type: 'INT', value: proto.i ?? 0n };
    case AttributeType.STRING:
      return { type: 'STRING', value: proto.s ?? new Uint8Array() };
    case AttributeType.FLOATS:
      return { type: 'FLOATS', value: [...proto.floats] };
    case AttributeType.INTS:
      return { type: 'INTS', value: proto.ints };
    case AttributeType.STRINGS:
      return { type: 'STRINGS', value: proto.strings };
    default:
      return undefined;
  }
}

function mergeInputs(before: readonly Fact[] | undefined, now: readonly Fact[]): readonly Fact[] | undefined {
  if (!before) return now;
  const joined = now.map((fact, index) => joinFacts(before[index] ?? UNKNOWN, fact, () => null));
  return joined.every((fact, index) => sameFact(fact, before[index] ?? UNKNOWN)) ? undefined : joined;
}
