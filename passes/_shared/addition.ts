import {
  dependsOn,
  type Graph,
  isOp,
  isStatic,
  type Locator,
  type Node,
  pathOf,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  type Value,
} from '#core';

/** A residual addition that a recipe names: `sum = skip + branch`. Operands are read from the node, so they stay right while it is edited. */
export class Addition {
  readonly site: TargetSite;
  readonly node: Node;
  readonly skipIndex: number;

  constructor(site: TargetSite, node: Node, skipIndex: number) {
    this.site = site;
    this.node = node;
    this.skipIndex = skipIndex;
  }

  get graph(): Graph {
    return this.node.graph;
  }

  get branchIndex(): number {
    return 1 - this.skipIndex;
  }

  get sum(): Value {
    return this.node.outputs[0]!;
  }

  get skip(): Value {
    return this.node.inputs[this.skipIndex]!;
  }

  get branch(): Value {
    return this.node.inputs[this.branchIndex]!;
  }

  /** Label of the block: what the recipe calls it, else its place in the list of sites. */
  get block(): number | string | undefined {
    return this.site.block;
  }
}

/**
 * The addition that a site names by its node, its sum or its operands. Which operand is the skip follows from the names given, else from
 * the dataflow: the branch depends on the skip.
 * @throws ResonnxError `recipe/target-unknown`, `recipe/target-ambiguous`, `rewrite/refused`
 */
export function findAddition(locator: Locator, site: TargetSite): Addition {
  const node = findAdditionNode(locator, site);
  const at = { path: pathOf(node), op: node.op };
  if (!isOp(node, 'Add', 'Sum') || node.inputs.length !== 2) {
    throw new ResonnxError([recipeCodes.refused(at, `${node.op} is not an addition of two operands`)]);
  }
  const [a, b] = node.inputs as readonly [Value, Value];
  const [skipName, branchName] = ['skip_value', 'branch_value'].map((key) =>
    operandOf([a, b], locator.findValue(site, key)),
  );
  const skip = skipName ?? (branchName ? (branchName === a ? b : a) : upstream(a, b));
  const branch = branchName ?? (skip === a ? b : a);
  const agrees = (skip === a && branch === b) || (skip === b && branch === a);
  if (!skip || !agrees) {
    const what = skip
      ? 'skip_value and branch_value are not the operands of the addition'
      : 'neither operand depends on the other';
    throw new ResonnxError([recipeCodes.targetAmbiguous(at, what, [a.hint, b.hint])]);
  }
  return new Addition(site, node, skip === a ? 0 : 1);
}

/** The operand that the other one depends on, constant factors aside. */
function upstream(a: Value, b: Value): Value | undefined {
  if (dependsOn(b, unscaled(a))) return a;
  return dependsOn(a, unscaled(b)) ? b : undefined;
}

/** The operand that a value is, or is up to constant factors: gates and scales that were put there keep the names around them. */
function operandOf(operands: readonly Value[], value: Value | undefined): Value | undefined {
  if (!value || operands.includes(value)) return value;
  return operands.find((operand) => unscaled(operand) === value) ?? value;
}

/** What a value is before constants multiply it. */
function unscaled(value: Value): Value {
  let at = value;
  for (let node = at.producer; isOp(node, 'Mul'); node = at.producer) {
    const [a, b] = node.inputs as readonly [Value, Value];
    if (isStatic(a) === isStatic(b)) return at;
    at = isStatic(a) ? b : a;
  }
  return at;
}

function findAdditionNode(locator: Locator, site: TargetSite): Node {
  const named = locator.findNode(site, 'residual_add') ?? locator.findValue(site, 'output')?.producer;
  if (named) return named;
  const branch = locator.findValue(site, 'branch_value');
  const readers = branch ? [...branch.uses].flatMap((use) => (use.kind === 'input' ? [use.node] : [])) : [];
  const additions = readers.filter((node) => isOp(node, 'Add', 'Sum'));
  if (additions.length === 1) return additions[0]!;
  const what = 'the site names no residual addition: give residual_add';
  throw new ResonnxError([recipeCodes.targetAmbiguous({ path: 'main' }, what, additions.map(pathOf))]);
}

/** @throws ResonnxError `recipe/target-ambiguous` when two sites name one addition: it would be rewritten twice */
export function checkDistinct(additions: readonly Addition[]): void {
  const seen = new Set<Node>();
  for (const { node } of additions) {
    if (seen.has(node)) {
      const at = { path: pathOf(node), op: node.op };
      throw new ResonnxError([recipeCodes.targetAmbiguous(at, 'two sites name the same addition', [pathOf(node)])]);
    }
    seen.add(node);
  }
}

/** Additions of all sites, in the order in which the model runs them: graphs from outside in, then by dependencies. */
export function findAdditions(locator: Locator, sites: readonly TargetSite[]): readonly Addition[] {
  const additions = sites.map((site) => findAddition(locator, site));
  checkDistinct(additions);
  const rank = new Map<Node, number>();
  for (const graph of new Set(additions.map((addition) => addition.graph))) {
    graph.topo().forEach((node, index) => rank.set(node, index));
  }
  return additions.sort((a, b) => (rank.get(a.node) ?? 0) - (rank.get(b.node) ?? 0));
}
