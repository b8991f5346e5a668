import { expect, test } from '@jest/globals';
import { anatomyOf } from '../../src/residual/anatomy.js';
import { alignmentFindings } from '../../src/residual/alignment.js';
import { inferTypes } from '../../src/shape/types.js';
import { modelOf } from '../support/model.js';

/** Findings of a model whose only residual connection is `y = x + …`, with weights `v` and `w` of these shapes. */
function findings(input: string, v: readonly number[], w: readonly number[], body: string): readonly string[] {
  const weight = (name: string, shape: readonly number[]): string =>
    `s${name} = Constant <value_ints = [${shape.join(', ')}]> ()  ${name} = ConstantOfShape (s${name})`;
  const nodes = `${weight('v', v)}  ${weight('w', w)}  ${body}`;
  const model = modelOf(`<ir_version: 9, opset_import: ["": 17]> m (${input}) => (float[] y) { ${nodes} }`);
  const types = inferTypes(model);
  const anatomy = anatomyOf(model, types);
  expect(anatomy.sites).toHaveLength(1);
  return alignmentFindings(anatomy, types).map(({ code, severity, message }) => `${severity} ${code}: ${message}`);
}

const MLP = 'a = MatMul (x, v)  r = Relu (a)  f = MatMul (r, w)';

test('an identity whose two sides are proven equal is no finding', () => {
  expect(findings('float[b,s,8] x', [8, 16], [16, 8], `${MLP}  y = Add (x, f)`)).toEqual([]);
});

test('equal only where a size is even', () => {
  const body = `a = Conv <strides = [2]> (x, v)  r = Relu (a)  f = ConvTranspose <strides = [2]> (r, w)  y = Add (x, f)`;
  expect(findings('float[b,8,t] x', [16, 8, 2], [16, 8, 2], body)).toEqual([
    'warning residual/conditional: skip and branch have shapes [b, 8, t] and [b, 8, 2*floor(t/2)], which are equal only where t == 2*ceil(t/2)',
  ]);
});

test('never equal', () => {
  const found = findings('float[b,s,8] x', [8, 16], [16, 9], `${MLP}  y = Add (x, f)`);
  expect(found).toEqual([
    'error residual/mismatch: skip and branch have shapes [b, s, 8] and [b, s, 9], which never agree',
  ]);
});

test('stretched', () => {
  const found = findings('float[b,s,8] x', [8, 16], [16, 1], `${MLP}  y = Add (x, f)`);
  expect(found).toEqual([
    'warning residual/broadcast: skip and branch have shapes [b, s, 8] and [b, s, 1]: one is stretched to the other',
  ]);
});
