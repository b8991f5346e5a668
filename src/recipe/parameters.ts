import { parameterMissing, parameterShape } from '../diagnostics/codes/recipe.js';
import { type Place, ResonnxError } from '../diagnostics/diagnostic.js';
import type { NumericArray } from '../tensor/array.js';

/** The tensors that come with a recipe, by name. */
export class Parameters {
  readonly #arrays: ReadonlyMap<string, NumericArray>;
  readonly #at: Place;

  constructor(arrays: ReadonlyMap<string, NumericArray>, file = '<params>') {
    this.#arrays = arrays;
    this.#at = { file, path: '' };
  }

  has(name: string): boolean {
    return this.#arrays.has(name);
  }

  find(name: string): NumericArray | undefined {
    return this.#arrays.get(name);
  }

  /**
   * The tensor of this name; `expected` gives its shape, with `undefined` for a free dim.
   * @throws ResonnxError `recipe/parameter-missing`, `recipe/parameter-shape`
   */
  get(name: string, expected?: readonly (number | undefined)[]): NumericArray {
    const array = this.#arrays.get(name);
    if (!array) throw new ResonnxError([parameterMissing(this.#at, name, [...this.#arrays.keys()])]);
    const fits =
      !expected ||
      (array.shape.length === expected.length &&
        expected.every((dim, i) => dim === undefined || dim === array.shape[i]));
    if (!fits) {
      const shape = `[${expected.map((dim) => dim ?? '?').join(', ')}]`;
      throw new ResonnxError([parameterShape(this.#at, name, array.shape, shape)]);
    }
    return array;
  }
}
