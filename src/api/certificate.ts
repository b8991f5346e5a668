import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { certificateHash, certificateMalformed } from '../diagnostics/codes/certificate.js';
import { type Diagnostic, ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { encodeWhole } from '../onnx/bytes.js';
import { type Feeds, makeFeeds, type Mood } from '../numerics/inputs.js';
import type { Region } from '../numerics/region.js';
import type { RegionMethod, RegionVerdict } from '../numerics/region-check.js';
import { planRegion } from '../numerics/region-probe.js';
import type { RegionOutcome } from '../numerics/region-verify.js';
import { planModel } from '../numerics/plan.js';
import type { Sample } from '../numerics/sample.js';
import { ownRounding } from '../numerics/second-opinion.js';
import type { Candidate } from './attempt.js';
import type { Optimized, OptimizeOptions } from './optimize.js';
import type { Reverted, Verification } from './report.js';
import { readShapes, type WrittenShapes } from './shapes.js';

/** A model by content: the hash of its bytes with all weights inside, the same whatever files it is kept in. */
export interface ModelHash {
  readonly sha256: string;
  readonly bytes: number;
}

/** One rewrite and how it was verified. */
export interface CertifiedRewrite {
  readonly number: number;
  readonly pass: string;
  readonly rule: string;
  readonly at: string;
  /** `kind`: both sides were run · `constants`: nothing but equal constants changed places · `whole`: only the whole model was compared. */
  readonly method: 'kind' | 'constants' | 'whole';
  /** Which of the certificate's `kinds`. */
  readonly kind?: string;
  /** Kinds of its other parts, where it has such as stand apart. */
  readonly parts?: readonly string[];
  readonly why?: string;
}

/** Rewrites (or parts of them that stand apart) that are equal up to names and weights, and how the first of them fared; every other one was run with its own weights. */
export interface CertifiedKind {
  readonly kind: string;
  readonly pass: string;
  readonly rule: string;
  /** Sizes on which they ran first. */
  readonly binding: Readonly<Record<string, number>>;
  readonly rewrites: number;
  /** Steps of what comes before the rewrite that were taken along. */
  readonly context: number;
  readonly runs: number;
  /** What ran both sides: the runtime, or the evaluator in float64 where the runtime does not run what was there. */
  readonly method: RegionMethod;
  /** Largest difference between the sides, relative to the largest element. */
  readonly maxRel: number;
  /** What rounding alone does to the first side: as the runtime showed it, else how far float64 rounded at every operator is from float64. */
  readonly noiseFloor: number;
}

/** Options of the optimization on which its rewrites depend, as they were given. */
export interface CertifiedOptions extends Pick<
  OptimizeOptions,
  'target' | 'opset' | 'skip' | 'only' | 'maxGrowth' | 'samples' | 'seed'
> {
  readonly shapes?: WrittenShapes;
  /** Whether nodes of the result say where they come from. */
  readonly provenance?: boolean;
}

/** What makes certificates: a version of this package and of a runtime. */
export interface CertifiedVersions {
  readonly resonnx: string;
  readonly runtime: string;
}

/** What was verified and how: enough to do it again. */
export interface Certificate {
  readonly schema: 'resonnx/certificate@1';
  readonly versions: CertifiedVersions;
  readonly options: CertifiedOptions;
  readonly original: ModelHash;
  readonly result: ModelHash;
  readonly verification: Verification;
  /** Inputs on which the whole was compared: they follow from these. */
  readonly samples: readonly {
    readonly binding: Readonly<Record<string, number>>;
    readonly seed: number;
    readonly mood: Mood;
  }[];
  readonly rewrites: readonly CertifiedRewrite[];
  readonly kinds: readonly CertifiedKind[];
  /** Share of the rewrites that were verified by themselves. */
  readonly coverage: { readonly rewrites: number; readonly verified: number; readonly share: number };
  readonly reverted: readonly Reverted[];
  /** Hash of all of the above as JSON: shows that somebody changed it, not who made it. */
  readonly integrity: string;
}

/** What a certificate is made from, kept by `optimize`. */
export interface Evidence {
  readonly candidate: Candidate;
  readonly outcome: RegionOutcome | undefined;
  readonly samples: readonly Sample[];
}

/** The hash of a model with all its weights, which are read for it. */
export function hashModel(model: Model): ModelHash {
  const encoded = encodeWhole(model);
  const hash = sha256.create();
  for (const piece of encoded.pieces()) hash.update(piece);
  return { sha256: bytesToHex(hash.digest()), bytes: encoded.byteLength };
}

/** The certificate of an optimization; `written` is the result as it was emitted. */
export function certify(
  original: Model,
  written: Model,
  { evidence, report }: Optimized,
  { versions, options }: Pick<Certificate, 'versions' | 'options'>,
): Certificate {
  const claims = claimsOf(evidence);
  const certificate = {
    schema: 'resonnx/certificate@1' as const,
    versions,
    options,
    original: hashModel(original),
    result: hashModel(written),
    verification: report.verification,
    samples: evidence.samples.map(({ binding, seed, mood }) => ({ binding: Object.fromEntries(binding), seed, mood })),
    ...claims,
    reverted: report.reverted,
  };
  return { ...certificate, integrity: integrityOf(certificate) };
}

/** What a certificate says of the rewrites. */
export function claimsOf(evidence: Evidence): Pick<Certificate, 'rewrites' | 'kinds' | 'coverage'> {
  const rewrites = rewritesOf(evidence);
  const verified = rewrites.filter(({ method }) => method !== 'whole').length;
  const share = rewrites.length === 0 ? 1 : verified / rewrites.length;
  return { rewrites, kinds: kindsOf(evidence), coverage: { rewrites: rewrites.length, verified, share } };
}

/** A certificate as it is written; JSON has no infinities. */
export function printCertificate(certificate: Certificate): string {
  return `${JSON.stringify(certificate, finite, 2)}\n`;
}

function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function integrityOf(certificate: Omit<Certificate, 'integrity'>): string {
  return digest(JSON.stringify({ ...certificate, integrity: undefined }, finite));
}

function rewritesOf({ candidate, outcome }: Evidence): readonly CertifiedRewrite[] {
  const kinds = new Map<number, Set<string>>();
  for (const { record, key } of candidate.book?.regions ?? []) {
    kinds.set(record.number, (kinds.get(record.number) ?? new Set<string>()).add(key));
  }
  const uncovered = new Map(outcome?.uncovered.map(({ record, why }) => [record.number, why]));
  return candidate.records.map(({ number, pass, rule, at }) => {
    const why = uncovered.get(number);
    const head = { number, pass, rule, at };
    if (why !== undefined || !outcome) return { ...head, method: 'whole', ...(why !== undefined && { why }) };
    const [kind, ...parts] = [...(kinds.get(number) ?? [])].map(digest);
    if (kind === undefined) return { ...head, method: 'constants' };
    return { ...head, method: 'kind', kind, ...(parts.length > 0 && { parts }) };
  });
}

function digest(key: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(key)));
}

function kindsOf({ candidate, outcome }: Evidence): readonly CertifiedKind[] {
  const regions = new Map(candidate.book?.regions.map((region) => [region.key, region]));
  return (outcome?.groups ?? []).map(({ key, pass, rule, members, level, verdict }) => ({
    kind: digest(key),
    pass,
    rule,
    binding: Object.fromEntries(verdict.binding),
    rewrites: members,
    context: level,
    runs: verdict.runs,
    method: verdict.method,
    maxRel: verdict.maxRel,
    noiseFloor: noiseOf(verdict, level === 0 ? regions.get(key) : undefined),
  }));
}

/** Noise is measured in float64 where nothing else asked for it and the sides differ at all. */
function noiseOf({ noiseFloor, maxRel, binding }: RegionVerdict, region: Region | undefined): number {
  if (noiseFloor > 0 || maxRel === 0 || !region) return noiseFloor;
  return ownRounding(region.before, makeFeeds(planRegion(region), binding, 0)) ?? 0;
}

/** Reads a certificate. @throws ResonnxError `certificate/malformed` */
export function parseCertificate(text: string, file: string): Certificate {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ResonnxError([certificateMalformed(file, 'it is not JSON')]);
  }
  const certificate = parsed as Partial<Certificate> | null;
  if (certificate?.schema !== 'resonnx/certificate@1' || !Array.isArray(certificate.samples)) {
    throw new ResonnxError([certificateMalformed(file, 'it is not a resonnx/certificate@1')]);
  }
  const whole = certificate as Certificate;
  if (whole.integrity !== integrityOf(whole)) {
    throw new ResonnxError([certificateMalformed(file, 'it was changed after it was made')]);
  }
  return whole;
}

/** Says where the models are not those that the certificate is about. */
export function checkHashes(certificate: Certificate, a: Model, b: Model): readonly Diagnostic[] {
  const wrong: Diagnostic[] = [];
  for (const [model, expected] of [
    [a, certificate.original],
    [b, certificate.result],
  ] as const) {
    const { sha256: found } = hashModel(model);
    if (found !== expected.sha256) wrong.push(certificateHash(model.source.name, expected.sha256, found));
  }
  return wrong;
}

/** The inputs on which the certificate says that the models agree. */
export function certifiedFeeds(certificate: Certificate, original: Model): readonly Feeds[] {
  const { shapes } = certificate.options;
  const { plan } = planModel(original, shapes ? { shapes: readShapes(shapes) } : {});
  return certificate.samples.map(({ binding, seed, mood }) =>
    makeFeeds(plan, new Map(Object.entries(binding)), seed, mood),
  );
}
