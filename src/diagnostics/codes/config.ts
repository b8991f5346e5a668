import { diagnostic } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** The configuration file, or options of the build plugin, are not what they can be. */
export function configInvalid(file: string, path: string, why: string): Diagnostic {
  const what = path === '' ? 'the options' : path;
  return diagnostic(
    'error',
    'config/invalid',
    { file, path },
    `${what}: ${why}`,
    'See docs/plugin.md for every option.',
  );
}

/** The configuration file cannot be run. */
export function configUnreadable(file: string, why: string): Diagnostic {
  return diagnostic('error', 'config/unreadable', { file, path: '' }, `${file} cannot be loaded: ${why}`);
}

/** The query of an imported model has a key or value that means nothing. */
export function queryInvalid(file: string, key: string, why: string): Diagnostic {
  return diagnostic('error', 'config/query', { file, path: `?${key}` }, `?${key} of ${file}: ${why}`);
}
