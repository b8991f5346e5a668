import type { Model } from '../ir/model.js';
import { load } from '../api/load.js';
import type { Streams } from './io.js';

/** Loads the model that an argument names; `-` reads it from standard input. */
export async function loadArgument(path: string, streams: Streams): Promise<Model> {
  if (path !== '-') return load(path);
  const chunks: Uint8Array[] = [];
  for await (const chunk of streams.in) chunks.push(chunk);
  return load(new Blob(chunks), { name: '<stdin>' });
}
