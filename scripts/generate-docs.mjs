// Writes docs/diagnostics.md and the tables of README.md from the code; `--check` fails when they are stale. Needs a build.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Project } from 'ts-morph';

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

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const files = {
  'docs/diagnostics.md': diagnosticsPage(),
  'README.md': between(between(readme, 'passes', table(PASSES, 'passes')), 'operations', table(OPERATIONS, 'passes')),
};
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
