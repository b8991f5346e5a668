import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  type Certificate,
  type CertifiedOptions,
  type CertifiedVersions,
  certify,
  parseCertificate,
  printCertificate,
} from '../api/certificate.js';
import { readBinary } from '../api/files.js';
import { load } from '../api/load.js';
import type { Optimized, OptimizeOptions } from '../api/optimize.js';
import { writeShapes } from '../api/shapes.js';
import type { Model } from '../ir/model.js';
import { findRuntimes } from '../numerics/ort-installed.js';

/** How the result that a certificate is about was made and written. */
export interface Written {
  readonly out: string;
  readonly provenance: boolean;
  readonly options: OptimizeOptions;
}

/** Writes the certificate of an optimization. */
export async function writeCertificate(
  path: string,
  model: Model,
  optimized: Optimized,
  { out, provenance, options }: Written,
): Promise<void> {
  const written = out === '-' ? optimized.model : await load(out);
  const how = { versions: versions(), options: certifiedOptions(options, provenance) };
  writeFileSync(path, printCertificate(certify(model, written, optimized, how)));
}

/** Reads a certificate. @throws ResonnxError `certificate/malformed`, `file/unreadable` */
export function readCertificate(path: string): Certificate {
  return parseCertificate(new TextDecoder().decode(readBinary(path)), path);
}

function certifiedOptions(options: OptimizeOptions, provenance: boolean): CertifiedOptions {
  const { target, opset, skip, only, maxGrowth, samples, seed, shapes } = options;
  const given = { target, opset, skip, only, maxGrowth, samples, seed };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(present) as CertifiedOptions),
    ...(shapes && { shapes: writeShapes(shapes) }),
    ...(provenance && { provenance }),
  };
}

/** Of this package and of the runtime that is installed. */
export function versions(): CertifiedVersions {
  const { version } = createRequire(import.meta.url)('resonnx/package.json') as { version: string };
  const [runtime] = findRuntimes();
  return { resonnx: version, runtime: runtime ? `${runtime.name} ${runtime.version}` : 'none' };
}
