import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes a reproducer into the current folder, or the one for temporary files, beside earlier ones. */
export function writeReproducer(text: string, extension: string): string {
  for (const folder of [process.cwd(), tmpdir()]) {
    for (let number = 1; number <= 100; number++) {
      const path = join(folder, `repro${number === 1 ? '' : `-${number}`}.${extension}`);
      try {
        writeFileSync(path, text, { flag: 'wx' });
        return path;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') break;
      }
    }
  }
  return 'it could not be written';
}
