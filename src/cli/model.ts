import { findUnknown } from '../analysis/unknown.js';
import { load } from '../api/load.js';
import type { Model } from '../ir/model.js';
import { usage } from './arguments.js';
import type { Output, Streams } from './io.js';

/** Loads the model that an argument names, and warns of what no schema describes; `-` reads it from standard input. */
export async function loadArgument(path: string, streams: Streams, output: Output): Promise<Model> {
  const model = path === '-' ? await loadStream(streams) : await load(path);
  for (const warning of findUnknown(model, model.source.name)) output.diagnostic(warning);
  return model;
}

const taken = new WeakSet<Streams>();
const NAME = '<stdin>';

async function loadStream(streams: Streams): Promise<Model> {
  if (taken.has(streams)) throw usage('- can stand for one model: standard input can be read once');
  taken.add(streams);
  const chunks: Uint8Array[] = [];
  for await (const chunk of streams.in) chunks.push(chunk);
  const [first] = chunks.find((chunk) => chunk.length > 0) ?? [];
  // ONNX text begins with a list of properties or a comment; in binary models these bytes would be no field.
  if (first === 0x3c || first === 0x23) {
    const { loadText } = await import('../api/load-text.js');
    return loadText(await new Blob(chunks).text(), { name: NAME });
  }
  return load(new Blob(chunks), { name: NAME });
}
