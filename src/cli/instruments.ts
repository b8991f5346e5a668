import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OptimizeOptions } from '../api/optimize.js';
import type { Model } from '../ir/model.js';
import { exportModel } from '../onnx/export.js';
import { printModel } from '../text/print.js';
import type { Output } from './io.js';

/** What to print, dump and stop after; a pass's name, and for printing also `all` or `changed`. */
export interface InstrumentOptions {
  readonly printIrAfter?: string;
  readonly dumpDir?: string;
  readonly stopAfter?: string;
}

/** Observers of the pipeline: printing, dumping, stopping. */
export function instruments(options: InstrumentOptions, output: Output): Pick<OptimizeOptions, 'afterPass'> {
  const { printIrAfter, dumpDir, stopAfter } = options;
  if (dumpDir !== undefined) mkdirSync(dumpDir, { recursive: true });
  let number = 0;
  const text = (model: Model): string => printModel(exportModel(model), { elideAbove: 32, annotations: false });
  return {
    afterPass(run, model) {
      number++;
      const { name } = run.pass;
      const prints =
        printIrAfter === name || printIrAfter === 'all' || (printIrAfter === 'changed' && run.rewrites > 0);
      if (prints) output.note(`# after ${name} (${run.rewrites} rewrites)\n${text(model)}`);
      if (dumpDir !== undefined && run.rewrites > 0) {
        writeFileSync(join(dumpDir, `${String(number).padStart(3, '0')}-${name}.onnxtxt`), text(model));
      }
      return stopAfter !== name;
    },
  };
}
