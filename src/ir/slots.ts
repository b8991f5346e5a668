import type { ValueInfoProto } from '../proto/messages.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Attribute, AttributeInit } from './attribute.js';
import type { Node, Origin } from './node.js';
import type { Type } from './type.js';
import type { Value } from './value.js';

/** A public name of the graph's interface. Names live here, not on values. */
export interface InputSlot {
  readonly name: string;
  /** An input; or, in models of IR version 3 and before, an initializer that is listed here as well. */
  readonly value: Value;
  /** IR version 4 and later: the value when the caller gives none. */
  readonly fallback?: Tensor;
  readonly info?: ValueInfoProto;
}

/** A public name with the value that it gives; `type` is the declared one and part of the interface. */
export interface OutputSlot {
  readonly name: string;
  readonly value: Value;
  readonly type?: Type;
  readonly info?: ValueInfoProto;
}

/** What a new node is made from. `outputs` is a count or the names that the emitter should prefer. */
export interface NodeSpec {
  readonly opType: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs?: number | readonly string[];
  readonly attrs?: Readonly<Record<string, AttributeInit>> | ReadonlyMap<string, Attribute>;
  readonly name?: string;
  readonly origin?: Origin;
  /** The node whose place in the emitted order it takes. */
  readonly near?: Node;
}

/** The role of a graph; bodies see the values around them, functions see nothing outside. */
export type GraphRole =
  | { readonly kind: 'main' }
  | { readonly kind: 'body' }
  | { readonly kind: 'function'; readonly opsets: ReadonlyMap<string, number> };
