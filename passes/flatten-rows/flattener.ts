import { type Edit, type Node, Tensor, type Types, type Value } from '#core';
import { addReshape, reshapeTarget } from '../_shared/reshape-target.js';
import { biasOf, targetFromFlat } from './form.js';
import { Forms, type Region } from './region.js';

/** Builds the chosen nodes of a region anew on matrices, and puts Reshapes where both forms meet. */
export class Flattener {
  readonly #region: Region;
  readonly #forms: Forms;
  readonly #chosen: ReadonlySet<Node>;
  readonly #flat = new Map<Value, Value>();
  readonly #targets = new Map<number, Value>();
  /** Values that come out of the chosen nodes and are needed with all their axes. */
  readonly #restored: readonly Value[];
  /** The first value that chosen nodes read from others, if possible one that is not flat yet. */
  readonly #source: Value | undefined;

  constructor(region: Region, chosen: ReadonlySet<Node>, types: Types) {
    this.#region = region;
    this.#chosen = chosen;
    this.#forms = new Forms(region.graph, region.lead, types);
    const ordered = [...region.graph.topo()].filter((node) => chosen.has(node));
    this.#restored = ordered.flatMap((node) => node.outputs.filter((value) => this.#isNeeded(value)));
    const sources = ordered.flatMap((node) => this.#sourcesOf(node));
    this.#source = sources.find((value) => !this.#forms.atHand(value)) ?? sources[0];
  }

  /** Nodes that it takes to have the leading sizes where they are not known numbers. */
  get extraNodes(): number {
    const widths = new Set(
      this.#restored.filter((value) => !this.#targetOf(value)).map((value) => this.#widthOf(value)),
    );
    return widths.size === 0 ? 0 : 1 + widths.size;
  }

  /** Whether the leading sizes are known, or can be had from a value that depends on none of the chosen nodes. */
  get canRestore(): boolean {
    if (this.extraNodes === 0) return true;
    const hasRanges = (this.#region.graph.opset('') ?? 0) >= 15;
    return hasRanges && this.#source !== undefined && !dependsOn(this.#source, this.#chosen);
  }

  run(edit: Edit): void {
    const fused = new Map<Node, Node>();
    for (const node of this.#region.graph.topo()) {
      if (!this.#chosen.has(node)) continue;
      const bias = biasOf(node, this.#forms.types);
      if (bias && this.#chosen.has(bias)) fused.set(bias, node);
      else this.#add(edit, node, fused.get(node));
    }
    for (const node of this.#chosen) for (const value of node.outputs) this.#serve(edit, value);
  }

  #add(edit: Edit, node: Node, product: Node | undefined): void {
    const { moved, attrs, constants } = this.#region.nodes.get(node)!;
    const inputs = node.inputs.map((value, index) => {
      if (product && value === product.outputs[0]) return undefined;
      const tensor = constants.get(index);
      if (tensor) return edit.constant('', tensor);
      return value && moved.includes(index) ? this.#toFlat(edit, value) : value;
    });
    if (product) {
      const operands = [this.#toFlat(edit, product.inputs[0]!), product.inputs[1], inputs.find((value) => value)];
      this.#flat.set(node.outputs[0]!, edit.node('Gemm', operands, {}, { name: product.name }));
      return;
    }
    const names = node.outputs.map(() => '');
    const made = edit.nodes(node.opType, inputs, attrs, names, { name: node.name });
    node.outputs.forEach((value, index) => this.#flat.set(value, made[index]!));
  }

  #toFlat(edit: Edit, value: Value): Value {
    const known = this.#flat.get(value);
    if (known) return known;
    const made =
      this.#forms.atHand(value) ??
      this.#flattened(value) ??
      addReshape(edit, value, { sizes: [-1, this.#widthOf(value)], allowZero: false });
    this.#flat.set(value, made);
    return made;
  }

  /** What a Reshape that is there makes of a value. */
  #flattened(value: Value): Value | undefined {
    const readings = [...value.uses].map((use) => this.#forms.reading(use));
    return readings.find((reading) => reading.kind === 'undo')?.node.outputs[0];
  }

  /** Gives every reader of a value that is flat now what it needs. */
  #serve(edit: Edit, value: Value): void {
    const flat = this.#flat.get(value);
    if (!flat) return;
    for (const use of [...value.uses]) {
      const reading = this.#forms.reading(use);
      if (reading.kind === 'undo') edit.replace(reading.node.outputs[0]!, flat);
      if (reading.kind !== 'either') continue;
      const sizes = targetFromFlat(reading.node, this.#forms.types)!;
      edit.replace(reading.node.outputs[0]!, addReshape(edit, flat, { sizes, allowZero: false }));
    }
    if (this.#restored.includes(value)) edit.replace(value, this.#restore(edit, value, flat));
  }

  #restore(edit: Edit, value: Value, flat: Value): Value {
    const target = this.#targetOf(value);
    if (target) return addReshape(edit, flat, target);
    const width = this.#widthOf(value);
    const known = this.#targets.get(width);
    const { lead } = this.#region;
    const sizes =
      known ??
      edit.node('Concat', [this.#leadOf(edit, lead.length), edit.constant('', Tensor.int64([1], [width]))], {
        axis: 0,
      });
    this.#targets.set(width, sizes);
    return edit.node('Reshape', [flat, sizes], { allowzero: 1 });
  }

  #leadOf(edit: Edit, end: number): Value {
    const known = this.#targets.get(0);
    const made = known ?? edit.node('Shape', [this.#source], { start: 0, end });
    this.#targets.set(0, made);
    return made;
  }

  /** A constant target that restores the axes of a value. */
  #targetOf(value: Value): ReturnType<typeof reshapeTarget> {
    const opset = this.#region.graph.opset('') ?? 0;
    return reshapeTarget(undefined, this.#forms.types.shape(value)!, { opset });
  }

  #widthOf(value: Value): number {
    return this.#forms.types.shape(value)!.at(-1) as number;
  }

  #isNeeded(value: Value): boolean {
    return [...value.uses].some((use) => {
      const reading = this.#forms.reading(use);
      return reading.kind === 'original' || (reading.kind === 'region' && !this.#chosen.has(reading.node));
    });
  }

  #sourcesOf(node: Node): readonly Value[] {
    const inputs = this.#region.nodes.get(node)!.moved.map((index) => node.inputs[index]!);
    return inputs.filter((value) => !value.producer || !this.#chosen.has(value.producer));
  }
}

/** Whether a value depends on any of these nodes, or might: what bodies capture is not followed. */
function dependsOn(value: Value, nodes: ReadonlySet<Node>): boolean {
  const seen = new Set<Value>([value]);
  for (const each of seen) {
    const { producer } = each;
    if (!producer) continue;
    if (nodes.has(producer) || producer.bodies.length > 0) return true;
    for (const input of producer.inputs) if (input) seen.add(input);
  }
  return false;
}
