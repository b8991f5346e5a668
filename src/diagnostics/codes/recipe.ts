import { diagnostic, useOneOf } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** The recipe is not what a recipe looks like. */
export function recipeMalformed(at: Place, what: string): Diagnostic {
  return diagnostic('error', 'recipe/malformed', at, what, 'See docs/recipes.md for operations, targets and options.');
}

/** The recipe names an operation that does not exist. */
export function operationUnknown(at: Place, name: string, known: readonly string[]): Diagnostic {
  const message = `there is no operation "${name}"`;
  return diagnostic('error', 'recipe/operation-unknown', at, message, useOneOf(name, known));
}

/** An option has a value that the operation does not know. */
export function optionInvalid(at: Place, option: string, value: unknown, allowed: string): Diagnostic {
  const message = `option "${option}" is ${JSON.stringify(value)}`;
  return diagnostic('error', 'recipe/option-invalid', at, message, `Give ${allowed}.`);
}

/** The recipe gives an option that the operation does not look at. */
export function optionUnused(at: Place, option: string, known: readonly string[]): Diagnostic {
  const message = `option "${option}" has no effect`;
  return diagnostic(
    'warning',
    'recipe/option-unused',
    at,
    message,
    known.length === 0 ? undefined : useOneOf(option, known),
  );
}

/** A tensor that the operation needs is not among the parameters. */
export function parameterMissing(at: Place, name: string, known: readonly string[]): Diagnostic {
  const given = known.length === 0 ? 'none are given' : `given are ${known.slice(0, 12).join(', ')}`;
  const hint = 'Give the parameters with --params FILE.npz.';
  return diagnostic('error', 'recipe/parameter-missing', at, `parameter "${name}" is missing; ${given}`, hint);
}

/** A parameter has another shape than the operation needs. */
export function parameterShape(at: Place, name: string, found: readonly number[], expected: string): Diagnostic {
  const message = `parameter "${name}" has shape [${found.join(', ')}], expected ${expected}`;
  return diagnostic('error', 'recipe/parameter-shape', at, message, 'Export the parameter in the layout of PyTorch.');
}

/** The operation would change what the model computes, and the user did not allow it. */
export function changesFunction(at: Place, operation: string): Diagnostic {
  const message = `${operation} changes what the model computes`;
  return diagnostic('error', 'rewrite/changes-function', at, message, 'Allow it with --allow changes-function.');
}

/** The rewrite cannot be done right here. */
export function refused(at: Place, why: string, hint?: string): Diagnostic {
  return diagnostic('error', 'rewrite/refused', at, why, hint);
}

/** An identity skip between shapes that are not proven equal. */
export function shapesDiffer(
  at: Place,
  from: string,
  to: string,
  equation: string,
  repairs: readonly string[],
): Diagnostic {
  const message = `the skip has shape ${from}, the branch ${to}: not equal unless ${equation}`;
  return diagnostic('error', 'rewrite/shapes-differ', at, message, `Repair with one of: ${repairs.join('; ')}.`);
}

/** Two keys of a target name different places. */
export function targetAmbiguous(at: Place, what: string, candidates: readonly string[]): Diagnostic {
  return diagnostic('error', 'recipe/target-ambiguous', at, what, `Candidates: ${candidates.slice(0, 12).join(', ')}.`);
}

/** A target names nothing in the model. */
export function targetUnknown(at: Place, key: string, name: string, candidates: readonly string[]): Diagnostic {
  const message = `"${key}" names "${name}", which the model does not have`;
  return diagnostic(
    'error',
    'recipe/target-unknown',
    at,
    message,
    `Candidates: ${candidates.slice(0, 12).join(', ')}.`,
  );
}
