import type { Command } from 'commander';
import { basename } from 'node:path';
import { type EmitOptions, encodeBinary } from '../api/encode.js';
import { type Emitted, writeEmission } from '../api/write.js';
import type { ExternalData } from '../onnx/externalize.js';
import type { Model } from '../ir/model.js';
import { parseSize } from '../support/size.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';
import { uninterrupted } from './signals.js';

/** Adds `convert`: load and emit, nothing else. */
export function registerConvert(program: Command, streams: Streams): void {
  program
    .command('convert')
    .description('load a model and emit it again: .onnx to .onnxtxt and back, one file to external data and back')
    .argument('<model>', 'model to read; - reads standard input')
    .requiredOption('-o, --out <file>', 'where to write; - writes standard output')
    .option('--external-data <how>', 'FILE puts weights into that file, split=SIZE into several, none into the model')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, options: { out: string; externalData?: string; json?: boolean; quiet?: boolean }) => {
      const output = new Output(streams, options);
      const how = parseExternalData(options.externalData, options.out);
      const model = await loadArgument(path, streams, output);
      const emitted = await writeModel(model, options.out, how, streams);
      if (options.out !== '-') output.say(`${path} → ${options.out} (${emitted.bytes} bytes)`);
      output.object({
        schema: 'resonnx/convert@1',
        file: path,
        out: options.out,
        bytes: emitted.bytes,
        files: emitted.files,
      });
    });
}

const EXAMPLES = `
Example:
  resonnx convert model.onnx -o model.onnxtxt
  resonnx convert model.onnx -o split.onnx --external-data split.onnx_data

Exit codes: 0 done, 2 wrong usage, 3 the model cannot be read or is not valid ONNX`;

/** Writes a model to a path, or its bytes to standard output for `-` (refused on a terminal). An interrupt waits until it is written. */
export async function writeModel(
  model: Model,
  out: string,
  externalData: ExternalData,
  streams: Streams,
  options: Omit<EmitOptions, 'externalData'> = {},
): Promise<Emitted> {
  const all = { ...options, externalData };
  // Most models are binary, and a command starts faster without what writes text.
  const emitText = out.endsWith('.onnxtxt') ? (await import('../api/emit.js')).emitFile : undefined;
  if (emitText) return uninterrupted(() => emitText(model, out, all));
  if (out !== '-') {
    const keeps = externalData.kind === 'keep';
    return uninterrupted(() => writeEmission(model, out, encodeBinary(model, all, out), keeps));
  }
  if (streams.out.isTTY === true) throw new Exit(EXIT.usage, 'error: refusing to write a binary model to a terminal');
  const bytes = encodeBinary(model, { ...options, externalData: { kind: 'none' } }, '<bytes>').encoded.toBytes();
  streams.out.write(bytes);
  return { bytes: bytes.byteLength, files: [] };
}

/** Reads `--external-data`. */
export function parseExternalData(text: string | undefined, out: string): ExternalData {
  if (text === undefined) return { kind: 'keep' };
  if (text === 'none') return { kind: 'none' };
  if (!text.startsWith('split=')) return { kind: 'file', name: basename(text) };
  const size = parseSize(text.slice('split='.length));
  if (size === undefined) throw new Exit(EXIT.usage, `error: --external-data ${text}: give a size such as split=100MB`);
  return { kind: 'split', name: `${basename(out)}_data`, size };
}
