// Makes of the compiled modules what is published: the entries of package.json, and chunks that they share. A command loads a handful
// of files instead of hundreds, and every class still exists once, whichever entries a process imports. Declarations stay as they are.
import { build, transform } from 'esbuild';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Every .js file that an entry of package.json names. */
function* targets(entry) {
  if (typeof entry === 'object') for (const inner of Object.values(entry)) yield* targets(inner);
  else if (entry.endsWith('.js')) yield resolve(root, entry);
}

const entries = new Set([
  ...targets(manifest.bin),
  ...targets(manifest.exports),
  ...targets(manifest.imports),
  // What runs in a process or thread of its own.
  ...['ort-node-worker', 'ort-node-watchdog'].map((name) => join(dist, `src/numerics/${name}.js`)),
]);

/**
 * Dependencies that every command loads: small, and slower to find in node_modules than to run. `node`: they need what Node has.
 * Their licenses go along.
 */
const INLINED = {
  commander: 'node',
  picocolors: 'node',
  'protobufjs/minimal.js': 'neutral',
  '@petamoriken/float16': 'neutral',
  '@noble/hashes/sha2.js': 'neutral',
};
const inlined = new Set();

/** A dependency as one ES module. */
async function inline(id) {
  const names = Object.keys(await import(id)).filter((name) => name !== 'module.exports');
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${names} } from '${id}'`, resolveDir: root },
    bundle: true,
    write: false,
    metafile: true,
    absWorkingDir: root,
    format: 'esm',
    platform: INLINED[id],
    mainFields: ['module', 'main'],
    banner: {
      js:
        INLINED[id] === 'node'
          ? "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
          : '',
    },
  });
  for (const path of Object.keys(metafile.inputs)) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
    if (folder) inlined.add(folder);
  }
  return outputFiles[0].text;
}

const modules = {
  name: 'modules',
  resolveId(id, from) {
    if (id === '#core') return join(dist, 'src/core.js');
    if (id in INLINED) return id;
    return id.startsWith('.') || id.startsWith('/') ? resolve(dirname(from ?? ''), id) : { id, external: true };
  },
  load: (id) => (id in INLINED ? inline(id) : null),
  /** A module that names a file beside itself ends in a chunk, which lies elsewhere; entries stay where they are. */
  transform(code, path) {
    if (entries.has(path)) return null;
    const folder = relative(dist, dirname(path));
    return code.replace(
      /new URL\('\.\/([\w-]+\.js)', import\.meta\.url\)/g,
      `new URL('../${folder}/$1', import.meta.url)`,
    );
  },
};

/**
 * Chunks that are made on purpose: what every command starts with, and what `optimize` needs before it has looked at a model, which is
 * most of the library. The public interface around it is in two more, since browsers cannot load what touches files.
 */
function chunkOf(path, { getModuleInfo }) {
  starts ??= reachable('src/cli/run.js', getModuleInfo);
  base ??= reachable('src/cli/optimize.js', getModuleInfo);
  if (starts.has(path)) return path.endsWith('/src/cli/run.js') ? undefined : 'start';
  if (!base.has(path)) return undefined;
  if (!/^src\/(api|cli|report)\//.test(relative(dist, path))) return 'base';
  browser ??= reachable('src/api/browser.js', getModuleInfo);
  return entries.has(path) ? undefined : browser.has(path) ? 'library' : 'command';
}
let starts;
let base;
let browser;

/** A module and all that it imports, at any depth. */
function reachable(path, getModuleInfo) {
  const found = new Set([join(dist, path)]);
  for (const each of found) for (const next of getModuleInfo(each)?.importedIds ?? []) found.add(next);
  return found;
}

const bundle = await rollup({
  input: Object.fromEntries([...entries].map((path) => [relative(dist, path).replace(/\.js$/, ''), path])),
  plugins: [modules],
  treeshake: { moduleSideEffects: (id) => id in INLINED },
  onwarn: ({ code, message }) => code !== 'CIRCULAR_DEPENDENCY' && console.warn(message),
});
const { output } = await bundle.generate({
  format: 'es',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  manualChunks: chunkOf,
});
for (const name of readdirSync(dist, { recursive: true })) if (name.endsWith('.js')) rmSync(join(dist, name));
for (const { fileName, code } of output) {
  const path = join(dist, fileName);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, (await transform(code, { target: 'node20', minifySyntax: true, legalComments: 'none' })).code);
}
const licenses = [...inlined].sort().map((folder) => {
  const { name, version } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((each) => /^licen[cs]e/i.test(each));
  return `${name} ${version}\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(dist, 'THIRD_PARTY_LICENSES.txt'), licenses.join(`\n${'-'.repeat(80)}\n\n`));
