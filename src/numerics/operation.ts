import type { Model } from '../ir/model.js';
import type { OperationOptions, OperationPass } from '../pass/operation.js';
import { inferTypes } from '../shape/types.js';
import { fromFloat64, type NumericArray, toFloat64 } from '../tensor/array.js';
import { DTYPES } from '../tensor/dtype.js';
import { Locator } from '../recipe/locate.js';
import { promoteBody } from './body.js';
import { planInputs } from './inputs.js';
import { judge } from './judge.js';
import { noisyModel } from './noise.js';
import { type Runtime, RuntimeRefusal, RuntimeTimeout, type Session } from './runtime.js';
import { type Sample, sampleModel } from './sample.js';
import { ModelTaps } from './taps.js';
import { type OutputComparison, Reference } from './whole.js';

/** What the verification of one operation came to. */
export interface OperationVerification {
  readonly status: 'verified' | 'mismatch' | 'unverifiable';
  /** Compared with the model before the operation, or with the operation's reference over taps of it. */
  readonly method: 'original' | 'reference';
  readonly why?: string;
  readonly samples: number;
  readonly bindings: readonly Readonly<Record<string, number>>[];
  readonly outputs: readonly OutputComparison[];
}

type Outputs = Readonly<Record<string, NumericArray>>;

/** What {@link verifyOperation} compares. */
export interface OperationCheck {
  readonly before: Model;
  readonly after: Model;
  readonly pass: OperationPass;
  readonly request: OperationOptions;
  readonly samples?: number;
  readonly seed?: number;
}

/**
 * Holds an operation to its promise: what preserves the function is compared with the model before it; what changes the function with
 * the reference of the operation, run step by step over pieces of the model before it.
 */
export async function verifyOperation(runtime: Runtime, whole: OperationCheck): Promise<OperationVerification> {
  const check = inBody(whole);
  const changes = check.pass.semanticsOf(check.request) === 'changes-function';
  try {
    return changes ? await compareWithReference(runtime, check) : await compareWithOriginal(runtime, check);
  } catch (cause) {
    if (!(cause instanceof RuntimeRefusal || cause instanceof RuntimeTimeout)) throw cause;
    const method = changes ? 'reference' : 'original';
    return {
      status: 'unverifiable',
      method,
      why: cause.message.split('\n')[0] ?? '',
      samples: 0,
      bindings: [],
      outputs: [],
    };
  }
}

/** An operation on a body is checked on that body alone, made a model of its own. The sites of a check lie in one graph. */
function inBody(check: OperationCheck): OperationCheck {
  const { operation } = check.request;
  const site = operation.targets.sites?.find(({ subgraph }) => subgraph !== undefined && subgraph !== 'main');
  if (!site) return check;
  const promote = (model: Model): Model => promoteBody(model, new Locator(model).graph(site));
  const sites = operation.targets.sites!.map((each) => ({ ...each, subgraph: 'main' }));
  const request = { ...check.request, operation: { ...operation, targets: { ...operation.targets, sites } } };
  return { ...check, before: promote(check.before), after: promote(check.after), request };
}

async function compareWithOriginal(runtime: Runtime, check: OperationCheck): Promise<OperationVerification> {
  const { before, after, samples = 3, seed = 0 } = check;
  const plan = planInputs(before, inferTypes(before));
  const reference = await Reference.prepare(runtime, { model: before, plan, samples, seed });
  const none = { method: 'original', samples: 0, bindings: [], outputs: [] } as const;
  if ('why' in reference) return { status: 'unverifiable', why: reference.why, ...none };
  const { status, outputs, why } = await reference.compare(after);
  return {
    status: status === 'match' ? 'verified' : 'mismatch',
    method: 'original',
    samples: reference.samples.length,
    bindings: bindingsOf(reference.samples),
    outputs,
    ...(why !== undefined && { why }),
  };
}

async function compareWithReference(runtime: Runtime, check: OperationCheck): Promise<OperationVerification> {
  const { before, after, pass, request, samples: count = 3, seed = 0 } = check;
  const none = { method: 'reference', samples: 0, bindings: [], outputs: [] } as const;
  if (!pass.reference) return { status: 'unverifiable', why: `${pass.name} declares no reference`, ...none };
  const plan = planInputs(before, inferTypes(before));
  const candidate = await runtime.open(after, { optimization: 'disabled' });
  const taps = new ModelTaps(before, runtime);
  let noisy: Session | undefined;
  try {
    const { samples, refusal } = await sampleModel(candidate, plan, { count, seed });
    if (samples.length === 0)
      return { status: 'unverifiable', why: refusal?.message ?? 'no inputs were found', ...none };
    noisy = await runtime.open(noisyModel(after, 1), { optimization: 'disabled' });
    const rows: { readonly expected: Outputs; readonly actual: Outputs; readonly noise: Outputs }[] = [];
    for (const { feeds, outputs } of samples) {
      taps.feed(feeds);
      await pass.reference(request, taps);
      rows.push({ expected: await taps.outputs(), actual: outputs, noise: await noisy.run(feeds) });
    }
    const outputs = before.graph.outputs.map(({ name }): OutputComparison => ({
      name,
      ...judge(rows.map((row) => rowOf(row, name))),
    }));
    const wrong = outputs.find((output) => !output.ok);
    const why = wrong && `output ${wrong.name} ${wrong.why ?? 'differs'}`;
    return {
      status: wrong ? 'mismatch' : 'verified',
      method: 'reference',
      samples: samples.length,
      bindings: bindingsOf(samples),
      outputs,
      ...(why !== undefined && { why }),
    };
  } finally {
    await noisy?.release();
    await taps.release();
    await candidate.release();
  }
}

/** The noise is that of the new model; it is laid around what was expected, so that it excuses no error. */
function rowOf(
  row: { readonly expected: Outputs; readonly actual: Outputs; readonly noise: Outputs },
  name: string,
): Parameters<typeof judge>[0][number] {
  const [expected, actual, noise] = [row.expected[name]!, row.actual[name], row.noise[name]];
  const comparable =
    actual && noise && expected.data.length === actual.data.length && actual.data.length === noise.data.length;
  if (!comparable || DTYPES[expected.dtype].kind !== 'float') return { expected, actual, noise: [] };
  const [e, a, n] = [toFloat64(expected), toFloat64(actual), toFloat64(noise)];
  const around = e.map((value, i) => value + (n[i]! - a[i]!));
  return { expected, actual, noise: [fromFloat64(expected.dtype, expected.shape, around)] };
}

function bindingsOf(samples: readonly Sample[]): readonly Readonly<Record<string, number>>[] {
  return samples.map((sample) => Object.fromEntries(sample.binding));
}
