import {
  dependsOn,
  type Graph,
  type Locator,
  type Node,
  pathOf,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  type Value,
} from '#core';

/** A piece of the model with one input and one output value: `output = F(input)`. */
export interface Region {
  readonly site: TargetSite;
  readonly input: Value;
  readonly output: Value;
}

/**
 * The regions that sites name, in the order in which the model computes their outputs.
 * @throws ResonnxError `recipe/target-unknown`, `rewrite/refused` when an output does not depend on its input
 */
export function findRegions(locator: Locator, sites: readonly TargetSite[]): readonly Region[] {
  const regions = sites.map((site): Region => {
    const input = locator.findValue(site, 'region_input');
    const output = locator.findValue(site, 'region_output');
    if (!input || !output) {
      const what = 'a region is named by region_input and region_output';
      throw new ResonnxError([recipeCodes.recipeMalformed({ path: 'targets' }, what)]);
    }
    if (!output.producer || !dependsOn(output, input)) {
      const why = `"${output.hint}" does not depend on "${input.hint}": there is no region between them`;
      throw new ResonnxError([recipeCodes.refused({ path: output.producer ? pathOf(output.producer) : 'main' }, why)]);
    }
    return { site, input, output };
  });
  const rank = new Map<Node, number>();
  for (const graph of new Set<Graph>(regions.map((region) => region.output.graph))) {
    graph.topo().forEach((node, index) => rank.set(node, index));
  }
  return regions.sort((a, b) => (rank.get(a.output.producer!) ?? 0) - (rank.get(b.output.producer!) ?? 0));
}

/** Names of parameters of a block: by `param` of the site, else `block<i>.<rest>`. */
export function parameterName(site: TargetSite, rest: string): string {
  if (typeof site['param'] === 'string' && rest === 'gate') return site['param'];
  return `block${site.block ?? 0}.${rest}`;
}
