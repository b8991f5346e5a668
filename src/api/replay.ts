import { createInstalledRuntime } from '#platform';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import type { Runtime } from '../numerics/runtime.js';
import {
  type Certificate,
  certifiedFeeds,
  type CertifiedVersions,
  checkHashes,
  claimsOf,
  hashModel,
} from './certificate.js';
import { emitBytes } from './emit-bytes.js';
import { loadBytes } from './load-bytes.js';
import { optimize, type Optimized, type OptimizeOptions } from './optimize.js';
import { readShapes } from './shapes.js';
import { verify, type VerifyOptions, type VerifyReport } from './verify.js';

/** What became of the rewrites of a certificate. */
export interface ReplayReport {
  /** Rewrites that the certificate lists. */
  readonly rewrites: number;
  /** Those that were carried out and verified again. */
  readonly replayed: number;
  /** Share of the rewrites that were verified by themselves. */
  readonly share: number;
  /** Why they were not replayed. */
  readonly why?: string;
}

/** Options of {@link replay}. */
export interface ReplayOptions extends Pick<VerifyOptions, 'checkLevels' | 'onProgress'> {
  readonly runtime?: Runtime;
  /** What replays the certificate. */
  readonly versions: CertifiedVersions;
}

/**
 * Does again what a certificate says: its models are these, they agree on its inputs, and its rewrites, each verified anew with its
 * seeds and sizes, make the second of the first. Rewrites of another version of this package are not replayed, which is reported.
 * @throws ResonnxError `certificate/hash`
 */
export async function replay(
  certificate: Certificate,
  first: Model,
  second: Model,
  options: ReplayOptions,
): Promise<VerifyReport> {
  const [wrong, ...more] = checkHashes(certificate, first, second);
  if (wrong) throw new ResonnxError([wrong, ...more]);
  const runtime = options.runtime ?? createInstalledRuntime();
  try {
    return await replayIn(runtime, certificate, [first, second], options);
  } finally {
    if (!options.runtime) await runtime.close();
  }
}

async function replayIn(
  runtime: Runtime,
  certificate: Certificate,
  [first, second]: readonly [Model, Model],
  { checkLevels = false, onProgress, versions: current }: ReplayOptions,
): Promise<VerifyReport> {
  const observer = onProgress ? { onProgress } : {};
  const { shapes } = certificate.options;
  const feeds = certifiedFeeds(certificate, first);
  const whole =
    feeds.length > 0
      ? await verify(first, second, {
          feeds,
          runtime,
          checkLevels,
          ...(shapes && { shapes: readShapes(shapes) }),
          ...observer,
        })
      : undefined;
  const { rewrites, coverage, versions } = certificate;
  const counts = { rewrites: rewrites.length, replayed: 0, share: coverage.share };
  if (versions.resonnx !== current.resonnx) {
    const why = `the certificate was made by version ${versions.resonnx}, this is ${current.resonnx}`;
    return { ...(whole ?? unverified(certificate, why)), certificate: { ...counts, why } };
  }
  const again = await optimize(first, { ...optionsOf(certificate), runtime, ...observer });
  const report = whole ?? unverified(certificate, again.report.verification.why);
  const why = await differenceOf(certificate, again);
  if (why === undefined) return { ...report, certificate: { ...counts, replayed: rewrites.length } };
  const verification = {
    ...report.verification,
    status: 'mismatch' as const,
    why: `the certificate is not true: ${why}`,
  };
  return { ...report, verification, certificate: { ...counts, why } };
}

function optionsOf({ options: { shapes, provenance: _provenance, ...options } }: Certificate): OptimizeOptions {
  return { ...options, ...(shapes && { shapes: readShapes(shapes) }) };
}

/** The report on models that were not run as a whole: what the certificate says of them, which the replay has to bear out. */
function unverified({ verification }: Certificate, why: string | undefined): VerifyReport {
  return { schema: 'resonnx/verify@1', verification: { ...verification, ...(why !== undefined && { why }) } };
}

/** Where the certificate says something else than what was found now. */
async function differenceOf(certificate: Certificate, again: Optimized): Promise<string | undefined> {
  const { rewrites, kinds, coverage } = claimsOf(again.evidence);
  if (rewrites.length !== certificate.rewrites.length)
    return `it lists ${certificate.rewrites.length} rewrites, there are ${rewrites.length}`;
  for (const [i, found] of rewrites.entries()) {
    const listed = certificate.rewrites[i]!;
    if (!same(found, listed)) return `rewrite ${listed.number} is ${JSON.stringify(found)}`;
  }
  const fared = new Map(kinds.map((kind) => [kind.kind, kind]));
  for (const { kind, rewrites: count, context, method: by, maxRel } of certificate.kinds) {
    const found = fared.get(kind);
    fared.delete(kind);
    if (!found || found.rewrites !== count || found.context !== context || found.method !== by)
      return `there are other rewrites of the kind ${kind}`;
    if (found.maxRel > SLACK * Number(maxRel) + TINY)
      return `rewrites of the kind ${kind} differ by ${found.maxRel}, not ${maxRel}`;
  }
  if (fared.size > 0) return 'it leaves out kinds of rewrites';
  if (!same(coverage, certificate.coverage)) return `its coverage is ${coverage.verified} of ${coverage.rewrites}`;
  const { status, method } = again.report.verification;
  const said = certificate.verification;
  if (status !== said.status || method !== said.method) return `the model is ${status} by ${method}`;
  const made = await hashOf(again, certificate);
  return made === certificate.result.sha256 ? undefined : `its rewrites make a model with the hash ${made}`;
}

/** Another processor may round otherwise: a difference that is claimed is refuted by one that is larger by more than that. */
const SLACK = 16;
const TINY = 2 ** -20;

function same(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The hash of the result as it was emitted. */
async function hashOf(
  { model, metadata }: Optimized,
  { options: { provenance = false } }: Certificate,
): Promise<string> {
  const plain = !provenance && Object.keys(metadata).length === 0;
  return hashModel(plain ? model : await loadBytes(emitBytes(model, { provenance, metadata }))).sha256;
}
