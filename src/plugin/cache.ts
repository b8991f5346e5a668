import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock that nobody has touched for this long belongs to a process that died. */
const STALE_MS = 30_000;
const POLL_MS = 50;

/**
 * Folders by key. Each is made once, also when several processes ask for it at the same time: it is written under another name and
 * renamed when it is whole.
 */
export class FolderCache {
  readonly #root: string;
  readonly #making = new Map<string, Promise<string>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The folder of this key; `make` fills an empty one where there is none yet. */
  get(key: string, make: (folder: string) => Promise<void>): Promise<string> {
    const known = this.#making.get(key);
    if (known) return known;
    const folder = this.#getOnce(key, make).finally(() => this.#making.delete(key));
    this.#making.set(key, folder);
    return folder;
  }

  async #getOnce(key: string, make: (folder: string) => Promise<void>): Promise<string> {
    const folder = join(this.#root, key);
    mkdirSync(this.#root, { recursive: true });
    const lock = join(this.#root, `${key}.lock`);
    while (!isThere(folder)) {
      if (!takeLock(lock)) {
        await sleep(POLL_MS);
        continue;
      }
      const beat = setInterval(() => touch(lock), STALE_MS / 6).unref();
      try {
        if (!isThere(folder)) await this.#make(folder, make);
      } finally {
        clearInterval(beat);
        rmSync(lock, { force: true });
      }
    }
    return folder;
  }

  async #make(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
    const staged = mkdtempSync(join(this.#root, '.making-'));
    try {
      await make(staged);
      renameSync(staged, folder);
    } catch (cause) {
      rmSync(staged, { recursive: true, force: true });
      if (!isThere(folder)) throw cause;
    }
  }
}

/** Whether this process holds the lock now. */
function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > STALE_MS) rmSync(lock, { force: true });
  return false;
}

function touch(lock: string): void {
  try {
    utimesSync(lock, new Date(), new Date());
  } catch {
    // the lock was taken for stale; renaming decides who made the folder
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
