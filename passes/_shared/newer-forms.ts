import type { Rule } from '#core';
import { ATTENTION_RULES } from './attention/rules.js';
import { AXES_NORM_RULES } from './axes-norm.js';
import { GELU_RULES } from './gelu.js';
import { LAYER_NORM_RULES } from './layer-norm.js';
import { RMS_NORM_RULES } from './rms-norm.js';
import { ROTARY_RULES } from './rotary/rules.js';

/** Rules whose result needs a newer opset than many models have: what makes raising it worth while. */
export const NEWER_FORMS: readonly Rule[] = [
  ...ATTENTION_RULES,
  ...AXES_NORM_RULES,
  ...GELU_RULES,
  ...LAYER_NORM_RULES,
  ...RMS_NORM_RULES,
  ...ROTARY_RULES,
];
