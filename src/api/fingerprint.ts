import type { NodeSnapshot, RewriteRecord } from '../rewrite/record.js';

/** Names a rewrite by what it does and where, the same in every run of the pipeline whatever was rewritten before. */
export function fingerprint(record: RewriteRecord): string {
  const { pass, rule, at, removed, added, changed } = record;
  const list = (nodes: readonly NodeSnapshot[]): string => nodes.map(({ node }) => node.op).join();
  return [pass, rule, at, list(removed), list(added), changed.length].join('|');
}
