// Writes docs/diagnostics.md, docs/cli.md, the tables of README.md and the console sessions of pages from the code; `--check` fails when they are stale. Needs a build.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { Project } from 'ts-morph';
import { replay } from './sessions.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { PASSES } = await import(join(root, 'dist/passes/index.js'));
const { OPERATIONS } = await import(join(root, 'dist/passes/operations.js'));

/** Code, severity and meaning of every message builder. */
function diagnostics() {
  const project = new Project({ compilerOptions: { allowJs: false } });
  const folder = join(root, 'src/diagnostics/codes');
  const rows = [];
  for (const name of readdirSync(folder)
    .filter((entry) => entry.endsWith('.ts'))
    .sort()) {
    const source = project.addSourceFileAtPath(join(folder, name));
    for (const fn of source.getFunctions().filter((each) => each.isExported())) {
      const found = /['"`](error|warning|info)['"`]\s*,\s*['"`]([a-z0-9-]+\/[a-z0-9-]+)['"`]/.exec(fn.getText());
      if (!found) continue;
      const meaning = fn
        .getJsDocs()
        .map((doc) => doc.getDescription().trim())
        .join(' ')
        .replaceAll(/\s+/g, ' ');
      rows.push({ code: found[2], severity: found[1], meaning });
    }
  }
  return rows.sort((a, b) => (a.code < b.code ? -1 : 1));
}

function diagnosticsPage() {
  const rows = diagnostics().map(({ code, severity, meaning }) => `| \`${code}\` | ${severity} | ${meaning} |`);
  return `# Diagnostics\n\nEvery message has a stable code. Errors end the work; warnings and infos do not.\n\n| code | severity | what it means |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function table(passes, folder) {
  const rows = [...passes]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, semantics, summary }) => `| [${name}](${folder}/${name}/README.md) | ${semantics} | ${summary} |`);
  return `| name | semantics | what it does |\n|---|---|---|\n${rows.join('\n')}`;
}

function between(text, marker, content) {
  return text.replace(
    new RegExp(`<!-- ${marker} -->[\\s\\S]*?<!-- /${marker} -->`),
    () => `<!-- ${marker} -->\n${content}\n<!-- /${marker} -->`,
  );
}

/** Help of every command. */
function commandPage(main) {
  const help = (...args) =>
    execFileSync(process.execPath, [main, ...args, '--help'], {
      encoding: 'utf8',
      env: { ...process.env, COLUMNS: '110', NO_COLOR: '1' },
    }).trimEnd();
  const names = [...help().matchAll(/^ {2}(\w+) /gm)].map((match) => match[1]).filter((name) => name !== 'help');
  const sections = names.map((name) => `## ${name}\n\n\`\`\`\n${help(name)}\n\`\`\`\n`);
  return `# Commands\n\n\`-\` reads a model from standard input or writes it to standard output. \`--json\` prints one JSON object there and nothing else; its schemas are \`resonnx/schemas/*.schema.json\`. Messages and progress go to standard error; \`NO_COLOR\` and \`FORCE_COLOR\` are honoured. What is written is written whole or not at all.\n\n${sections.join('\n')}`;
}

const main = join(root, 'dist/src/cli/main.js');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const files = {
  'docs/diagnostics.md': diagnosticsPage(),
  'docs/cli.md': commandPage(main),
  'README.md': between(between(readme, 'passes', table(PASSES, 'passes')), 'operations', table(OPERATIONS, 'passes')),
};
// Sessions are checked by the tests: they take their time.
if (!process.argv.includes('--check')) {
  files['README.md'] = replay(files['README.md'], main);
  files['docs/recipes.md'] = replay(readFileSync(join(root, 'docs/recipes.md'), 'utf8'), main);
}
let stale = 0;
for (const [name, content] of Object.entries(files)) {
  const path = join(root, name);
  let now = '';
  try {
    now = readFileSync(path, 'utf8');
  } catch {}
  if (now === content) continue;
  stale++;
  if (process.argv.includes('--check')) console.error(`${name} is stale: run npm run docs`);
  else writeFileSync(path, content);
}
if (stale > 0 && process.argv.includes('--check')) process.exit(1);
