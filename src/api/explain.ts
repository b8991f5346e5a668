import { startRuntime } from '#platform';
import { optimizePipeline } from '../../passes/presets.js';
import { noSuchNode, unknownPass } from '../diagnostics/codes/optimize.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { cloneModel } from '../ir/copy.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { labelOf, pathOf } from '../ir/path.js';
import { createEvaluator } from '../numerics/evaluator.js';
import type { Runtime } from '../numerics/runtime.js';
import type { Declined, OpsetPolicy, Target } from '../pass/pass.js';
import { runPipeline } from '../pass/run.js';
import type { RewriteRecord } from '../rewrite/record.js';

/** What {@link explain} is asked. */
export interface ExplainOptions {
  readonly pass: string;
  /** Name of a node, of one of its outputs, or its place; only what concerns it is told then. */
  readonly node?: string;
  readonly target?: Target;
  readonly opset?: OpsetPolicy;
  readonly maxGrowth?: number;
  /** What computes constants; a process of onnxruntime of its own when absent. */
  readonly runtime?: Runtime;
  readonly signal?: AbortSignal;
  /** Before each pass. */
  readonly onProgress?: (what: string) => void;
}

/** A rule that looked at a node and did not fire, as the pipeline left the model. */
export interface MissReport {
  readonly rule: string;
  /** Place of the node at which the rule starts. */
  readonly at: string;
  readonly op: string;
  /** The condition that failed, with the values at hand. */
  readonly reason: string;
  /** Nodes that fitted before it failed. */
  readonly matched: number;
}

/** A rewrite that was carried out. */
export interface RewriteMade {
  readonly pass: string;
  readonly rule: string;
  readonly at: string;
}

/** Why a pass fired or did not. */
export interface ExplainReport {
  readonly schema: 'resonnx/explain@1';
  readonly pass: string;
  readonly node?: string;
  /** Rewrites of the pass; with a node, those of any pass that took it away or changed it. */
  readonly rewrites: readonly RewriteMade[];
  /** The nearest miss of each rule at each node, nearest first. */
  readonly misses: readonly MissReport[];
}

/**
 * Runs the optimizing pipeline on a copy of the model and tells what a pass did and what it nearly did; nothing is verified or emitted.
 * @throws ResonnxError `optimize/unknown-pass`, `optimize/unknown-node`
 */
export async function explain(model: Model, options: ExplainOptions): Promise<ExplainReport> {
  const { pass, node } = options;
  if (!optimizePipeline.names.includes(pass)) throw new ResonnxError([unknownPass(pass, optimizePipeline.names)]);
  if (node !== undefined && !hasNode(model, node)) throw new ResonnxError([noSuchNode(node)]);
  const owned = options.runtime ? undefined : startRuntime();
  try {
    const { rewrites, misses } = await observe(cloneModel(model), options, options.runtime ?? owned);
    return {
      schema: 'resonnx/explain@1',
      pass,
      ...(node !== undefined && { node }),
      rewrites: rewrites
        .filter((each) => (node === undefined ? each.pass === pass : concerns(each, node)))
        .map(toRewrite),
      misses: misses.filter((each) => node === undefined || isNamed(each.node, node)).map(toMiss),
    };
  } finally {
    await owned?.close();
  }
}

interface Observed {
  readonly rewrites: readonly RewriteRecord[];
  /** Of the last run of the pass, nearest first. */
  readonly misses: readonly Declined[];
}

async function observe(model: Model, options: ExplainOptions, runtime: Runtime | undefined): Promise<Observed> {
  const { pass, target, opset, maxGrowth, signal, onProgress } = options;
  const rewrites: RewriteRecord[] = [];
  let misses: Declined[] = [];
  await runPipeline(model, optimizePipeline, {
    ...(runtime && { evaluator: createEvaluator(() => runtime) }),
    ...(target && { target }),
    ...(opset !== undefined && { opset }),
    ...(maxGrowth !== undefined && { maxGrowth }),
    ...(signal && { signal }),
    onRewrite: (record) => void rewrites.push(record),
    onDeclined: (declined) => void (declined.pass === pass && misses.push(declined)),
    beforePass: ({ name }) => {
      onProgress?.(name);
      if (name === pass) misses = [];
    },
  });
  const left = misses.filter(({ node }) => node.alive);
  return { rewrites, misses: left.sort((a, b) => b.matched - a.matched || a.node.id - b.node.id) };
}

function hasNode(model: Model, name: string): boolean {
  for (const graph of model.graphs()) for (const node of graph.nodes.values()) if (isNamed(node, name)) return true;
  return false;
}

function isNamed(node: Node, name: string): boolean {
  return (
    node.name === name ||
    node.origin.names.includes(name) ||
    node.outputs.some((value) => value.hint === name) ||
    pathOf(node) === name
  );
}

/** Whether a rewrite took a node of this name away or changed it. */
function concerns({ removed, changed, at }: RewriteRecord, name: string): boolean {
  if (at === name) return true;
  return [...removed, ...changed.map(({ before }) => before)].some(
    ({ node, outputs }) => node.name === name || labelOf(node) === name || outputs.some((value) => value.hint === name),
  );
}

function toRewrite({ pass, rule, at }: RewriteRecord): RewriteMade {
  return { pass, rule, at };
}

function toMiss({ rule, node, reason, matched }: Declined): MissReport {
  return { rule, at: pathOf(node), op: node.op, reason, matched };
}
