// Processor time of one run under onnxruntime-node with all of its own optimizations, one thread: models that were optimized, by us and
// by others, as ratios to the original. All sessions of a model take turns, so that a busy machine slows all of them.
// node bench/latency.mjs [--rounds N] ORIGINALS OPTIMIZED...   Each is a folder; files of the same name belong together.
import ort from 'onnxruntime-node';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '15' } },
});
const [originals, ...folders] = positionals;
if (!originals || folders.length === 0) throw new Error('give a folder of originals and folders of optimized models');

const SYMBOL = 8;
const MAKE = {
  float32: (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i + 1)),
  float64: (n) => Float64Array.from({ length: n }, (_, i) => Math.sin(i + 1)),
  int64: (n) => BigInt64Array.from({ length: n }, () => 1n),
  int32: (n) => new Int32Array(n).fill(1),
  bool: (n) => new Uint8Array(n).fill(1),
  uint8: (n) => new Uint8Array(n).fill(1),
};

/** Inputs by what the session declares: sizes that are open become 1 in front and 8 elsewhere, those of images 224. */
function feedsOf(session) {
  return Object.fromEntries(
    session.inputMetadata.map(({ name, type, shape }) => {
      const open = (axis) => (axis === 0 ? 1 : shape.length === 4 && axis >= 2 ? 224 : SYMBOL);
      const dims = shape.map((dim, axis) => (typeof dim === 'number' ? dim : open(axis)));
      const make = MAKE[type];
      if (!make) throw new Error(`${name} is ${type}`);
      return [name, new ort.Tensor(type, make(dims.reduce((a, b) => a * b, 1)), dims)];
    }),
  );
}

async function time(session, feeds) {
  const start = process.cpuUsage();
  await session.run(feeds);
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const mean = (list) => Math.exp(list.reduce((sum, each) => sum + Math.log(each), 0) / list.length);
const open = (path) =>
  ort.InferenceSession.create(path, {
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });

const ratios = folders.map(() => []);
for (const name of readdirSync(originals)
  .filter((each) => each.endsWith('.onnx'))
  .sort()) {
  const paths = [originals, ...folders].map((folder) => join(folder, name));
  const sessions = [];
  try {
    for (const path of paths) sessions.push(existsSync(path) ? await open(path) : undefined);
    const feeds = feedsOf(sessions[0]);
    const times = sessions.map(() => []);
    for (let round = -2; round < Number(values.rounds); round++) {
      for (const [i, session] of sessions.entries()) {
        const taken = session ? await time(session, feeds) : 0;
        if (round >= 0) times[i].push(taken);
      }
    }
    // Ratios within a round, since the machine may change its speed between rounds.
    const shown = folders.map((folder, i) => {
      if (!sessions[i + 1]) return `${basename(folder)} –`;
      const ratio = median(times[i + 1].map((each, round) => each / times[0][round]));
      ratios[i].push(ratio);
      return `${basename(folder)} ${ratio.toFixed(3)}`;
    });
    console.log(`${name}: ${(median(times[0]) / 1000).toFixed(2)} ms, ${shown.join(', ')}`);
  } catch (error) {
    console.log(`${name}: not run: ${String(error.message).split('\n')[0].slice(0, 120)}`);
  } finally {
    for (const session of sessions) await session?.release();
  }
}
for (const [i, folder] of folders.entries()) {
  if (ratios[i].length > 0)
    console.log(
      `${basename(folder)}: ${mean(ratios[i]).toFixed(3)} over ${ratios[i].length} models, at most ${Math.max(...ratios[i]).toFixed(3)}`,
    );
}
