import { z } from 'zod';

const size = z
  .union([z.int().positive(), z.string().regex(/^\d+(\.\d+)?\s*([KMG]i?B|B)?$/i, 'give a size such as 100MB')])
  .describe('bytes, or a size such as "100MB"');

/** Options of one model, as the configuration file, the build plugin and the query of an import give them. */
export const modelOptionsSchema = z.strictObject({
  optimize: z.boolean().optional().describe('false leaves the model as it is'),
  target: z
    .enum(['standard', 'ort-cpu', 'ort-web-wasm', 'ort-web-webgpu'])
    .optional()
    .describe('runtime whose operators may be added; standard adds those of the ONNX standard alone'),
  opset: z.union([z.enum(['keep', 'auto']), z.int().positive()]).optional(),
  skip: z.array(z.string()).optional().describe('passes to leave out'),
  only: z.array(z.string()).optional().describe('the only passes to run'),
  maxGrowth: z.int().nonnegative().optional().describe('bytes by which the model may grow'),
  shapes: z
    .record(z.string(), z.array(z.union([z.int().nonnegative(), z.string(), z.null()])))
    .optional()
    .describe('sizes of inputs by name; null keeps a dim'),
  verify: z.boolean().optional().describe('false does not run the models to compare them'),
  samples: z.int().positive().optional(),
  seed: z.int().nonnegative().optional(),
  recipe: z
    .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.record(z.string(), z.unknown()))])
    .optional()
    .describe('a recipe, or the path of one, to carry out before optimizing'),
  params: z.string().optional().describe('path of an npz file with the tensors that the recipe needs'),
  allow: z.array(z.literal('changes-function')).optional(),
  split: size.optional().describe('weights go into files of at most this size beside the model'),
});

/** What `resonnx.config.ts` holds. */
export const configSchema = modelOptionsSchema.extend({
  models: z
    .record(z.string(), modelOptionsSchema)
    .optional()
    .describe('options by pattern of path, e.g. "src/asr/**"; later patterns win'),
  types: z.boolean().optional().describe('whether the build plugin writes model.d.onnx.ts beside each model'),
  cacheDir: z.string().optional().describe('where the build plugin keeps what it made'),
});

/** Options of one model. */
export type ModelOptions = z.infer<typeof modelOptionsSchema>;

/** The configuration. */
export type Config = z.infer<typeof configSchema>;
