import { Locator, type Model, type OperationOptions, type PassContext } from '#core';
import { bareNorm, readAffine } from '../_shared/bare-norm.js';
import { diagonal } from '../_shared/feature-map.js';
import { readThrough } from '../_shared/fold-readers.js';
import { namedNorms } from '../_shared/named-norms.js';
import { getNorm } from '../_shared/norm-site.js';
import { refuse } from '../_shared/weight-edit.js';

/**
 * Scale and bias of each named norm go into every linear operator that reads it; the norm keeps neither. Readers without weights get
 * them as a multiplication and an addition.
 */
export function foldNorms(model: Model, cx: PassContext<OperationOptions>): void {
  const { operation } = cx.options;
  const withFinal = operation.options['final_norm'] === true || !operation.targets.sites;
  const norms = namedNorms(new Locator(model), operation, withFinal);
  let total = 0;
  for (const { output } of norms) {
    const norm = getNorm(output);
    const { axis, scale, bias } = readAffine(norm, cx.types);
    const done = cx.rewrite('norm-affine', output.producer!, (edit) => {
      const uses = [...output.uses];
      const next = bareNorm(edit, norm, cx.types);
      const at = { old: output, next, axis, map: diagonal(scale), shift: bias };
      const folded = readThrough({ edit, types: cx.types, made: new Map() }, at, uses, { others: 'keep' });
      total += folded;
      return folded > 0;
    });
    if (!done) cx.decline('norm-affine', output.producer!, `no linear operator reads "${output.hint}"`);
  }
  if (total === 0)
    refuse(norms[0]!.output, `no linear operator reads "${norms[0]!.output.hint}": there is nothing to fold into`);
}
