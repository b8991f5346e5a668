import {
  type Edit,
  fromFloat64,
  Locator,
  type Model,
  type OperationOptions,
  type PassContext,
  pathOf,
  recipeCodes,
  ResonnxError,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { applyIdentityNorm, applyNorm, findNorm, getNorm } from '../_shared/norm-site.js';
import { redirect } from '../_shared/readers.js';
import type { PlacementOptions } from './options.js';
import { branchReaders, droppedNorm, findSites, type NormedAddition } from './site.js';

type Context = PassContext<OperationOptions>;

/** Moves the norms in the graph, site by site in the order of the model, each as one rewrite. */
export function moveNorms(model: Model, options: PlacementOptions, cx: Context): void {
  const locator = new Locator(model);
  const sites = findSites(locator, cx.options.operation);
  const final = droppedNorm(locator, cx.options.operation, options, sites);
  const outputs = new Set(sites.map(({ norm }) => norm.output));
  for (const site of sites) {
    const { addition } = site;
    cx.rewrite(options.placement, addition.node, (edit) => {
      if (options.skipsOnly) takeSkipFromNormInput(site, outputs);
      else move(edit, refreshed(site), options, cx.types);
    });
  }
  if (final) cx.rewrite('drop-final-norm', final.producer!, (edit) => edit.replace(final, getNorm(final).input));
  if (options.finalNorm === 'identity') addFinalNorm(sites, cx);
}

/** The sum where the stream ends gets a new norm like the last one, with scale 1 and bias 0. */
function addFinalNorm(sites: readonly NormedAddition[], cx: Context): void {
  const { addition, norm } = sites.at(-1)!;
  const { sum } = addition;
  cx.rewrite('add-final-norm', addition.node, (edit) => {
    const readers = [...sum.uses];
    redirect(readers, applyIdentityNorm(edit, norm, sum, cx.types));
  });
}

/** The skip of an addition that starts at a norm's output starts at the norm's input instead; the branch goes on reading the norm. */
function takeSkipFromNormInput({ addition }: NormedAddition, outputs: ReadonlySet<Value>): void {
  const norm = outputs.has(addition.skip) ? findNorm(addition.skip) : undefined;
  if (norm) addition.graph.setInput(addition.node, addition.skipIndex, norm.input);
}

/** The site with its norms as they stand now: earlier moves have put other values into their inputs. */
function refreshed(site: NormedAddition): NormedAddition {
  return { ...site, norm: getNorm(site.norm.output), endNorm: site.endNorm && getNorm(site.endNorm.output) };
}

function move(edit: Edit, site: NormedAddition, options: PlacementOptions, types: Types): void {
  const { placement: target } = options;
  const { addition, norm, placement, endNorm } = site;
  const { graph, node, branchIndex, skipIndex } = addition;
  if (target === 'deepnorm') {
    takeAway(edit, site, 'post');
    if (placement !== 'post') putBehind(edit, site);
    const dtype = types.dtype(addition.skip) ?? 'float32';
    const alpha = edit.constant('alpha', Tensor.from(fromFloat64(dtype, [], [options.alpha])));
    graph.setInput(node, skipIndex, edit.node('Mul', [addition.skip, alpha]));
    return;
  }
  if (target === placement) return;
  if (target === 'sandwich') {
    if (placement !== 'pre') takeAway(edit, site, 'pre');
    if (placement !== 'pre') putBefore(edit, site);
    graph.setInput(node, branchIndex, applyIdentityNorm(edit, norm, addition.branch, types));
    return;
  }
  if (placement === 'sandwich' && target === 'post-branch') {
    bypass(edit, site);
    return;
  }
  if (placement === 'sandwich' && endNorm) graph.setInput(node, branchIndex, endNorm.input);
  if (placement === 'sandwich' && target === 'pre') return;
  takeAway(edit, site, target);
  if (target === 'pre') putBefore(edit, site);
  else if (target === 'post-branch') graph.setInput(node, branchIndex, applyNorm(edit, norm, addition.branch));
  else putBehind(edit, site);
}

/** Takes the norm from where it stands, unless that is where it is to be. */
function takeAway(edit: Edit, site: NormedAddition, target: string): void {
  const { addition, norm, placement } = site;
  if (placement === target) return;
  if (placement === 'post') edit.replace(norm.output, addition.sum);
  else if (placement === 'post-branch') addition.graph.setInput(addition.node, addition.branchIndex, norm.input);
  else bypass(edit, site);
}

/** The branch reads the stream itself instead of the norm. A norm that other branches read stays for them. */
function bypass(edit: Edit, { addition, norm }: NormedAddition): void {
  const readers = branchReaders(norm.output, addition);
  const all = [...norm.output.uses].every((use) => use.kind === 'output' || readers.includes(use.node));
  if (all) edit.replace(norm.output, addition.skip);
  else for (const reader of readers) replaceInput(reader, norm.output, addition.skip);
}

function replaceInput(node: Parameters<typeof pathOf>[0], from: Value, to: Value): void {
  node.inputs.forEach((value, index) => value === from && node.graph.setInput(node, index, to));
}

/** N(x) in front of the branch. @throws ResonnxError `rewrite/refused` when the branch does not read the stream */
function putBefore(edit: Edit, { addition, norm }: NormedAddition): void {
  const { skip } = addition;
  const readers = branchReaders(skip, addition).filter((reader) => reader !== addition.node);
  if (readers.length === 0) {
    throw new ResonnxError([
      recipeCodes.refused({ path: pathOf(addition.node) }, 'the branch does not read the stream'),
    ]);
  }
  const normed = applyNorm(edit, norm, skip);
  for (const reader of readers) replaceInput(reader, skip, normed);
}

/** N(x + F(x)) in the place of x + F(x), for every reader. */
function putBehind(edit: Edit, { addition, norm }: NormedAddition): void {
  const readers = [...addition.sum.uses];
  redirect(readers, applyNorm(edit, norm, addition.sum));
}
