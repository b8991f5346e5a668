import { findUnknown } from '../analysis/unknown.js';
import { load } from '../api/load.js';
import type { Model } from '../ir/model.js';
import type { Output, Streams } from './io.js';

/** Loads the model that an argument names, and warns of what no schema describes; `-` reads it from standard input. */
export async function loadArgument(path: string, streams: Streams, output: Output): Promise<Model> {
  const model = path === '-' ? await loadStream(streams) : await load(path);
  for (const warning of findUnknown(model, model.source.name)) output.diagnostic(warning);
  return model;
}

async function loadStream(streams: Streams): Promise<Model> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of streams.in) chunks.push(chunk);
  return load(new Blob(chunks), { name: '<stdin>' });
}
