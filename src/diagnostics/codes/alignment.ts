import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** Skip and branch of a residual connection broadcast; `grows` when the sum is larger than both. */
export function residualBroadcast(at: Place, left: string, right: string, grows: boolean): Diagnostic {
  const effect = grows ? 'both are stretched' : 'one is stretched to the other';
  const message = `skip and branch have shapes ${left} and ${right}: ${effect}`;
  return diagnostic(
    grows ? 'error' : 'warning',
    'residual/broadcast',
    at,
    message,
    'Give skip and branch one shape: unsqueeze, reshape or expand the one that is stretched on purpose.',
  );
}

/** Skip and branch have one shape only for some sizes of the inputs. */
export function residualConditional(at: Place, left: string, right: string, condition: string): Diagnostic {
  const message = `skip and branch have shapes ${left} and ${right}, which are equal only where ${condition}`;
  const hint = 'Fix the sizes with --shape, or make the input dims say so.';
  return diagnostic('warning', 'residual/conditional', at, message, hint);
}

/** Skip and branch never have one shape. `repairs` are ways to give them one. */
export function residualMismatch(at: Place, left: string, right: string, repairs: readonly string[]): Diagnostic {
  const message = `skip and branch have shapes ${left} and ${right}, which never agree`;
  return diagnostic('error', 'residual/mismatch', at, message, `On the skip: ${repairs.join('; or ')}.`);
}

/** Nothing is proven of the shapes of skip and branch. */
export function residualUnproven(at: Place, left: string, right: string): Diagnostic {
  const message = `skip and branch have shapes ${left} and ${right}, which are not proven equal`;
  return diagnostic('info', 'residual/unproven', at, message);
}
