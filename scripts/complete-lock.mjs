// Adds to package-lock.json the optional packages of other platforms that a re-lock on this one left out; `npm ci` refuses without them.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const OS = /(?:^|-)(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|wasm32|wasi|win32)(?=-|$)/;
const CPU = /(?:^|-)(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64|wasm32)(?=-|$)/;

/** Whether a package in this place of the tree finds a dependency of this name. */
function isLocked(from, name) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${base === '' ? '' : `${base}/`}node_modules/${name}`]) return true;
    if (base === '') return false;
  }
}

let added = 0;
for (const [from, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(from, name)) continue;
    const short = name.slice(name.indexOf('/') + 1);
    const [, os] = OS.exec(short) ?? [];
    const [, cpu] = CPU.exec(short) ?? [];
    if (os === undefined) throw new Error(`${from} needs ${name}, which names no platform: lock it by hand`);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(cpu && { cpu: [cpu] }),
      ...(entry.dev && { dev: true }),
      optional: true,
      ...(!os.startsWith('was') && { os: [os] }),
    };
    added++;
  }
}
const byName = ([a], [b]) => a.localeCompare(b, 'en'); // as npm sorts
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(byName));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} entries added`);
