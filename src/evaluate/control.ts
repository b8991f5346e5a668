import type { Graph } from '../ir/graph.js';
import type { Call } from './call.js';
import { type Elements, int64s, integers, numbers } from './elements.js';
import type { Scope, Steps } from './interpret.js';
import { slab, stack } from './pieces.js';
import { axisOf } from './index-maps.js';
import { invalid, unsupported } from './stop.js';

/** A kernel that runs bodies. */
export type ControlKernel = (call: Call, scope: Scope) => Steps;

/** If-1 to 25, Loop-1 to 25, Scan-9 to 25. Sequences as carried values are not covered. */
export const CONTROL: ReadonlyMap<string, ControlKernel> = new Map([
  ['If', runIf],
  ['Loop', runLoop],
  ['Scan', runScan],
]);

function bodyOf(call: Call, name: string): Graph {
  const attr = call.attributes.get(name);
  if (attr?.type !== 'GRAPH') throw invalid(`attribute ${name} is missing`);
  return attr.value;
}

function isTrue(condition: Elements): boolean {
  const [value] = numbers(condition);
  if (value === undefined) throw invalid('the condition is empty');
  return value !== 0;
}

function* runIf(call: Call, outer: Scope): Steps {
  const graph = bodyOf(call, isTrue(call.input(0)) ? 'then_branch' : 'else_branch');
  return yield { graph, inputs: [], outer, attributes: outer.attributes };
}

function* runLoop(call: Call, outer: Scope): Steps {
  const graph = bodyOf(call, 'body');
  const trips = call.inputs[0] ? (integers(call.inputs[0])[0] ?? 0) : Infinity;
  let go = call.inputs[1] ? isTrue(call.inputs[1]) : true;
  const count = graph.inputs.length - 2;
  let carried: readonly Elements[] = Array.from({ length: count }, (_, i) => call.input(2 + i));
  const scanned: Elements[][] = Array.from({ length: graph.outputs.length - 1 - count }, () => []);
  // Both are scalars, but bodies that declare lists of one element are given those.
  const shapes = graph.inputs.slice(0, 2).map(({ value }) => {
    return value.type?.kind === 'tensor' && value.type.shape?.length === 1 ? [1] : [];
  });
  for (let trip = 0; go && trip < trips; trip++) {
    call.spend(1);
    const condition: Elements = { dtype: 'bool', shape: shapes[1]!, data: Uint8Array.of(1) };
    const inputs = [int64s(shapes[0]!, [trip]), condition, ...carried];
    const outputs = yield { graph, inputs, outer, attributes: outer.attributes };
    go = isTrue(outputs[0]!);
    carried = outputs.slice(1, 1 + count);
    scanned.forEach((list, i) => list.push(outputs[1 + count + i]!));
  }
  return [...carried, ...scanned.map((list) => stack(list, 0))];
}

function* runScan(call: Call, outer: Scope): Steps {
  if (call.opset < 9) throw unsupported('Scan with a batch axis');
  const graph = bodyOf(call, 'body');
  const streams = call.int('num_scan_inputs');
  const states = call.inputs.length - streams;
  const results = graph.outputs.length - states;
  const sources = Array.from({ length: streams }, (_, i) => call.input(states + i));
  const axes = sources.map(({ shape }, i) => axisOf(call.intList('scan_input_axes')?.[i] ?? 0, shape.length));
  const backward = sources.map((_, i) => call.intList('scan_input_directions')?.[i] === 1);
  const length = sources[0]?.shape[axes[0]!] ?? 0;
  let carried: readonly Elements[] = Array.from({ length: states }, (_, i) => call.input(i));
  const scanned: Elements[][] = Array.from({ length: results }, () => []);
  for (let step = 0; step < length; step++) {
    const slices = sources.map((source, i) => slab(source, axes[i]!, backward[i] ? length - 1 - step : step));
    const outputs = yield { graph, inputs: [...carried, ...slices], outer, attributes: outer.attributes };
    carried = outputs.slice(0, states);
    scanned.forEach((list, i) => list.push(outputs[states + i]!));
  }
  const joined = scanned.map((list, i) => {
    const reverse = call.intList('scan_output_directions')?.[i] === 1;
    const axis = call.intList('scan_output_axes')?.[i] ?? 0;
    if (list.length === 0) throw unsupported('a scan of length 0');
    return stack(reverse ? list.toReversed() : list, axisOf(axis, list[0]!.shape.length + 1));
  });
  return [...carried, ...joined];
}
