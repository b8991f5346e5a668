import { type Operation, recipeCodes, ResonnxError, type TargetSite } from '#core';

/** The sites of an operation. @throws ResonnxError `recipe/malformed` when it has none */
export function sitesOf(operation: Operation): readonly TargetSite[] {
  const { sites } = operation.targets;
  if (sites && sites.length > 0) return sites;
  throw new ResonnxError([recipeCodes.recipeMalformed({ path: operation.operation }, 'targets have no sites')]);
}
