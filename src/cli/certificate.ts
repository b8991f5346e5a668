import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { certifiedFeeds, certify, checkHashes, parseCertificate } from '../api/certificate.js';
import { readBinary } from '../api/files.js';
import { load } from '../api/load.js';
import type { Optimized } from '../api/optimize.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import type { Feeds } from '../numerics/inputs.js';

/** Writes the certificate of an optimization whose result was written to `out`. */
export async function writeCertificate(path: string, model: Model, optimized: Optimized, out: string): Promise<void> {
  const written = out === '-' ? optimized.model : await load(out);
  const text = JSON.stringify(certify(model, written, optimized, versions()), finite, 2);
  writeFileSync(path, `${text}\n`);
}

/** The inputs of a certificate. @throws ResonnxError `certificate/malformed`, `certificate/hash` when it is about other models */
export function readCertifiedFeeds(path: string, first: Model, second: Model): readonly Feeds[] {
  const certificate = parseCertificate(new TextDecoder().decode(readBinary(path)), path);
  const [wrong, ...more] = checkHashes(certificate, first, second);
  if (wrong) throw new ResonnxError([wrong, ...more]);
  return certifiedFeeds(certificate, first);
}

function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function versions(): { readonly resonnx: string; readonly runtime: string } {
  const require = createRequire(import.meta.url);
  const { version } = require('resonnx/package.json') as { version: string };
  const runtime = require('onnxruntime-node/package.json') as { version: string };
  return { resonnx: version, runtime: `onnxruntime-node ${runtime.version}` };
}
