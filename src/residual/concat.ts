import type { Detector } from './detect.js';
import type { Op } from './view.js';

/** Judges a Concat. */
export function findConcat(_detector: Detector, _op: Op): void {}
