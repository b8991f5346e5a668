import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Anatomy } from './anatomy.js';
import { branchFindings } from './findings-branch.js';
import { normFindings } from './findings-norm.js';
import { skipFindings } from './findings-skip.js';
import { shapeFindings } from './findings-shape.js';
import { streamFindings } from './findings-stream.js';

/** What is worth a second look in the residual structure of a model, in the order of the model. */
export function findingsOf(anatomy: Anatomy): readonly Diagnostic[] {
  return [
    ...shapeFindings(anatomy),
    ...branchFindings(anatomy),
    ...normFindings(anatomy),
    ...streamFindings(anatomy),
    ...skipFindings(anatomy),
  ];
}
