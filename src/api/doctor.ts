import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { createInstalledRuntime, findRuntimes, type InstalledRuntime } from '../numerics/ort-installed.js';
import { importModel } from '../onnx/import.js';
import { encodeWhole } from '../onnx/bytes.js';
import { parseModelText } from '../text/parse.js';
import { findConfig } from './config-file.js';

/** A runtime on this machine. */
export interface RuntimeReport {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  /** Execution providers that it brings; what a program on this machine may ask for. */
  readonly providers: readonly string[];
}

/** What {@link doctor} found; the object of `doctor --json`. */
export interface DoctorReport {
  readonly schema: 'resonnx/doctor@1';
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** The first is the one that is used. */
  readonly runtimes: readonly RuntimeReport[];
  /** Whether the first runtime runs a model. */
  readonly runs: boolean;
  readonly why?: string;
  /** The configuration file that holds for the folder. */
  readonly config: string | null;
}

const TEXT = '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) { y = Neg(x) }';

/** What this machine has of what resonnx can use. Runs a tiny model. */
export async function doctor(folder: string = process.cwd()): Promise<DoctorReport> {
  const { version } = createRequire(import.meta.url)('resonnx/package.json') as { version: string };
  const found = findRuntimes();
  const why = await whyNot();
  return {
    schema: 'resonnx/doctor@1',
    version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    runtimes: found.map((runtime) => ({ ...runtime, providers: providersOf(runtime) })),
    runs: why === undefined,
    ...(why !== undefined && { why }),
    config: findConfig(folder) ?? null,
  };
}

/** Why no model can be run; `undefined` when one was. */
async function whyNot(): Promise<string | undefined> {
  try {
    const runtime = createInstalledRuntime();
    try {
      const bytes = encodeWhole(importModel(parseModelText(TEXT))).toBytes();
      const session = await runtime.open(bytes, { optimization: 'disabled' });
      const x = { dtype: 'float32', shape: [2], data: Float32Array.of(1, -2) } as const;
      const { y } = await session.run({ x });
      return y && y.data[0] === -1 && y.data[1] === 2 ? undefined : 'it computes -x wrongly';
    } finally {
      await runtime.close();
    }
  } catch (cause) {
    if (cause instanceof ResonnxError) return cause.diagnostics[0]!.message;
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** Asked in a process of its own: a broken installation may end the one that loads it. */
function providersOf({ name, path }: InstalledRuntime): readonly string[] {
  if (name === 'onnxruntime-web') return ['wasm', 'webgpu', 'webnn'];
  const script =
    'console.log(JSON.stringify(require(process.argv[1]).listSupportedBackends().map(({ name }) => name)))';
  const child = spawnSync(process.execPath, ['-e', script, path], { encoding: 'utf8', timeout: 30_000 });
  try {
    return JSON.parse(child.stdout) as readonly string[];
  } catch {
    return [];
  }
}
