import { type ModelOptions, modelOptionsSchema } from '../api/config-schema.js';
import { queryInvalid } from '../diagnostics/codes/config.js';
import { type Diagnostic, ResonnxError } from '../diagnostics/diagnostic.js';

/** Queries with which bundlers ask for something else than the model's handle. */
const FOREIGN = /(?:^|&)(?:url|raw|inline|no-inline|arraybuffer|worker|sharedworker|commonjs-[\w-]+)(?:[=&]|$)/;
/** Keys that bundlers add to a request. */
const IGNORED: ReadonlySet<string> = new Set(['import', 't', 'v', 'used', 'ssr']);

/** An imported model. */
export interface ModelRequest {
  readonly path: string;
  readonly query: string;
}

/** What is imported, when it is a model: `./model.onnx`, with or without a query of ours. */
export function modelRequest(id: string): ModelRequest | undefined {
  const at = id.indexOf('?');
  const path = at < 0 ? id : id.slice(0, at);
  const query = at < 0 ? '' : id.slice(at + 1);
  return path.endsWith('.onnx') && !path.startsWith('\0') && !FOREIGN.test(query) ? { path, query } : undefined;
}

/**
 * Options in the query of an import: `?target=ort-web-webgpu&opset=keep&skip=a,b&shape=x:1,3,224,224&verify=false`.
 * @throws ResonnxError `config/query`
 */
export function queryOptions({ path, query }: ModelRequest): ModelOptions {
  const given: Record<string, unknown> = {};
  for (const [key, value] of new URLSearchParams(query)) {
    if (IGNORED.has(key)) continue;
    if (key === 'shape') given['shapes'] = { ...(given['shapes'] as object), ...shapeOf(path, value) };
    else given[key] = valueOf(key, value);
  }
  const parsed = modelOptionsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? queryInvalid(path, issue.keys.join(), `there is no such option; there are ${KEYS.join(', ')}`)
      : queryInvalid(path, issue.path.map(String).join('.'), issue.message),
  );
  throw new ResonnxError(problems as [Diagnostic, ...Diagnostic[]]);
}

const LISTS: ReadonlySet<string> = new Set(['skip', 'only', 'allow']);
const KEYS = Object.keys(modelOptionsSchema.shape).map((key) => (key === 'shapes' ? 'shape' : key));

function valueOf(key: string, value: string): unknown {
  if (LISTS.has(key)) return value.split(',');
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  return /^\d+$/.test(value) ? Number(value) : value;
}

function shapeOf(path: string, text: string): Readonly<Record<string, readonly (number | string | null)[]>> {
  const at = text.lastIndexOf(':');
  if (at <= 0) throw new ResonnxError([queryInvalid(path, 'shape', 'give shape=NAME:1,3,224,224')]);
  const dims = text.slice(at + 1).split(',');
  return { [text.slice(0, at)]: dims.map((dim) => (dim === '?' ? null : /^\d+$/.test(dim) ? Number(dim) : dim)) };
}
