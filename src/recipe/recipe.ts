import { recipeMalformed } from '../diagnostics/codes/recipe.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';

/** One place in the model that an operation is about, in the user's terms; docs/recipes.md lists the keys. */
export interface TargetSite {
  /** Label of the block, used in names of parameters. */
  readonly block?: number | string;
  readonly branch?: string;
  /** Path of the graph that holds the site: `main`, `/If/else_branch`. */
  readonly subgraph?: string;
  readonly [key: string]: unknown;
}

/** Where an operation applies: sites, or detected ones by index, all, or between two values. */
export interface Targets {
  readonly sites?: readonly TargetSite[];
  readonly blocks?: 'all' | readonly number[] | { readonly between: readonly [string, string] };
  readonly final_norm_output?: string;
  readonly norms?: readonly string[];
  readonly [key: string]: unknown;
}

/** One operation of a recipe. What else a recipe says are notes. */
export interface Operation {
  readonly operation: string;
  readonly targets: Targets;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Gives a recipe written in TypeScript its type. */
export function defineRecipe<T extends Partial<Operation> | readonly Partial<Operation>[]>(recipe: T): T {
  return recipe;
}

/** The operations of a recipe in order. @throws ResonnxError `recipe/malformed` */
export function parseRecipe(recipe: unknown, file = '<recipe>'): readonly Operation[] {
  const list = Array.isArray(recipe) ? (recipe as readonly unknown[]) : [recipe];
  return list.map((entry, index) => parseOperation(entry, { file, path: `operation ${index}` }));
}

function parseOperation(entry: unknown, at: { readonly file: string; readonly path: string }): Operation {
  const fail = (what: string): never => {
    throw new ResonnxError([recipeMalformed(at, what)]);
  };
  if (!isRecord(entry)) return fail('an operation is an object with "operation", "targets" and "options"');
  const { operation, targets = {}, options = {} } = entry;
  if (typeof operation !== 'string') return fail('"operation" is missing or not a string');
  if (!isRecord(targets)) return fail('"targets" is not an object');
  if (!isRecord(options)) return fail('"options" is not an object');
  const { sites } = targets;
  if (sites !== undefined && !(Array.isArray(sites) && sites.every(isRecord))) fail('"sites" is not a list of objects');
  return { operation, targets: targets as Targets, options };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
