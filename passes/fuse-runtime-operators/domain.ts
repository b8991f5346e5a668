import { type AttributeInits, type Edit, no, ok, type RuleContext, type Value, type Verdict } from '#core';

/** The domain of onnxruntime's own operators. */
const DOMAIN = 'com.microsoft';

/** Whether a rule may add an operator of onnxruntime: never for the standard target, and only for targets that gain by it. */
export function allows({ target }: RuleContext, targets: 'cpu' | 'webgpu' | 'both'): Verdict {
  if (target === 'standard') return no('the target is the standard');
  const isGpu = target === 'ort-web-webgpu';
  return targets === 'both' || isGpu === (targets === 'webgpu') ? ok : no(`the target ${target} does not gain by it`);
}

/** Adds nodes of onnxruntime's domain, which is imported where it is not yet. */
export function runtimeNodes(
  edit: Edit,
  opType: string,
  inputs: readonly (Value | undefined)[],
  attrs: AttributeInits,
  outputs: number,
): readonly Value[] {
  const { model } = edit.graph;
  if (edit.graph.opset(DOMAIN) === undefined) model.setOpset(DOMAIN, 1);
  return edit.nodes(opType, inputs, attrs, Array<string>(outputs).fill(''), { domain: DOMAIN });
}
