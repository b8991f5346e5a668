// Console sessions in pages of the documentation: their commands are run, and what they print is what the page shows.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Fenced blocks: language, name of a file when one is given, and content. */
const FENCE = /^```(\w+)(?: ([\w./-]+))?\n([\s\S]*?)^```$/gm;

/** Figures that differ between processors in their last digits. */
const normal = (text) => text.replaceAll(/\d\.\de[+-]\d+|\d+\.\d+ ×/g, '#');

/**
 * The page with its sessions as they go now, in a folder with the models of `fixtures/models` and the files that named blocks hold
 * (```json recipe.json). `main` is the command. What a session prints is left alone where only figures of rounding differ.
 */
export function replay(page, main) {
  const folder = mkdtempSync(join(tmpdir(), 'resonnx-docs-'));
  try {
    cpSync(join(root, 'fixtures/models'), join(folder, 'fixtures/models'), { recursive: true });
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/resonnx'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(join(folder, 'bin/resonnx'), 0o755);
    return page.replaceAll(FENCE, (block, language, name, content) => {
      if (name !== undefined) writeFileSync(join(folder, name), content);
      if (language !== 'console') return block;
      const now = session(content, folder);
      return normal(now) === normal(content) ? block : `\`\`\`console\n${now}\`\`\``;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the lines that begin with `$ `; what follows each is what it prints. */
function session(content, folder) {
  const env = { ...process.env, NO_COLOR: '1', PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` };
  delete env.FORCE_COLOR;
  const lines = content.split('\n').filter((line) => line.startsWith('$ '));
  const parts = lines.map((line) => {
    const { stdout } = spawnSync('sh', ['-c', `{ ${line.slice(2)}; } 2>&1`], { cwd: folder, env, encoding: 'utf8' });
    return `${line}\n${stdout.replaceAll(/[ \t]+$/gm, '').replace(/\n+$/, '\n')}`;
  });
  return parts.join('\n');
}

// node scripts/sessions.mjs PAGE MAIN: prints the page as it would be now.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(replay(readFileSync(process.argv[2], 'utf8'), process.argv[3]));
}
