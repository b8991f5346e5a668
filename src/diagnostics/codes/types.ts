import { diagnostic } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** The declarations beside a model are not those that it gives, or are not there. */
export function typesStale(file: string, model: string, isThere: boolean): Diagnostic {
  const message = isThere ? `${file} does not fit ${model}` : `${file} is not there`;
  return diagnostic('error', 'types/stale', { file, path: '' }, message, `Run "resonnx types ${model}".`);
}
