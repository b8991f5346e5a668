import type { Use, Value } from '#core';

/** Makes these uses read another value; uses that went away in between are left alone. */
export function redirect(uses: readonly Use[], to: Value): void {
  for (const use of uses) {
    if (use.kind === 'input') use.node.graph.setInput(use.node, use.index, to);
    else use.graph.setOutput(use.index, to);
  }
}
