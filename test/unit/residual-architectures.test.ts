import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { Network, type Wire } from '../support/network.js';

const D = 16;
const C = 8;

const pool = (net: Network, x: Wire): Wire => net.op('MaxPool', [x], 'kernel_shape = [2, 2], strides = [2, 2]');
const up = (net: Network, x: Wire): Wire => net.op('Resize', [x, '', net.scales(1, 1, 2, 2)], 'mode = "nearest"');

/** A network and `kind/placement` of the sites that its definition has, in order. */
function architecture(name: string, sites: string, make: (net: Network) => Wire): void {
  test(name, () => {
    const net = new Network();
    const report = inspect(net.build([make(net)])).residual;
    expect(report.sites.map(({ kind, placement }) => `${kind}/${placement}`).join(' ')).toBe(sites);
  });
}

describe('architectures', () => {
  architecture(
    'Perceiver: latents are parameters that the batch shares',
    'identity/pre identity/pre identity/pre',
    (net) => {
      const data = net.linear(net.input(`N,S,${D}`), D, D);
      const lat = net.parameter(1, 8, D);
      const a = net.add(lat, net.attention(net.layerNorm(lat, D), D, net.layerNorm(data, D)));
      const b = net.add(a, net.mlp(net.layerNorm(a, D), D));
      const c = net.add(b, net.attention(net.layerNorm(b, D), D));
      return net.linear(net.layerNorm(c, D), D, 3);
    },
  );

  architecture(
    'encoder and decoder, post-norm (BART)',
    'identity/post identity/post identity/post identity/post identity/post',
    (net) => {
      const x = net.layerNorm(net.add(net.linear(net.input(`N,S,${D}`), D, D), net.parameter(1, 4, D)), D);
      const e = net.layerNorm(net.add(x, net.attention(x, D)), D);
      const f = net.layerNorm(net.add(e, net.mlp(e, D)), D);
      const y = net.layerNorm(net.linear(net.input(`N,T,${D}`), D, D), D);
      const a = net.layerNorm(net.add(y, net.attention(y, D)), D);
      const b = net.layerNorm(net.add(a, net.attention(a, D, f)), D);
      const c = net.layerNorm(net.add(b, net.mlp(b, D)), D);
      return net.linear(c, D, 3);
    },
  );

  architecture(
    'hourglass: the input meets what came back from a lower resolution',
    'identity/none long-additive/none',
    (net) => {
      const x = net.relu(net.conv(net.input('N,3,32,32'), 3, C));
      const d = pool(net, x);
      const r = net.add(d, net.conv(net.relu(net.conv(d, C, C)), C, C));
      const s = net.add(x, up(net, r));
      return net.conv(s, C, 3);
    },
  );

  architecture(
    'VAN: attention with a shortcut of its own inside of the branch',
    'identity/none scaled/pre scaled/pre identity/none scaled/pre scaled/pre',
    (net) => {
      let x = net.relu(net.conv(net.input('N,3,32,32'), 3, C));
      for (let i = 0; i < 2; i++) {
        const n = net.batchNorm(x, C);
        const u = net.gelu(net.conv(n, C, C, { kernel: 1 }));
        const lka = net.mul(u, net.conv(net.conv(u, C, C, { group: C, kernel: 5 }), C, C, { kernel: 1 }));
        const inner = net.add(net.conv(lka, C, C, { kernel: 1 }), n);
        x = net.add(x, net.mul(inner, net.parameter(C, 1, 1)));
        const m = net.batchNorm(x, C);
        x = net.add(
          x,
          net.mul(net.conv(net.gelu(net.conv(m, C, C, { kernel: 1 })), C, C, { kernel: 1 }), net.parameter(C, 1, 1)),
        );
      }
      return net.op('GlobalAveragePool', [x]);
    },
  );

  architecture('ConvS2S: sums scaled by the root of one half', 'scaled/none scaled/none', (net) => {
    let x = net.linear(net.input(`N,S,${D}`), D, D);
    for (let i = 0; i < 2; i++) {
      const [a, b] = net.ops('Split', [net.linear(x, D, 2 * D), net.ints(D, D)], 2, 'axis = -1') as [Wire, Wire];
      x = net.mul(net.add(x, net.mul(a, net.op('Sigmoid', [b]))), net.scalar(0.7071));
    }
    return net.linear(x, D, 3);
  });

  architecture(
    'MobileViT: the input concatenated with what a Transformer made of it',
    'identity/pre identity/pre dense-concat/mid',
    (net) => {
      const x = net.relu(net.conv(net.input('N,3,8,8'), 3, C));
      const h = net.conv(x, C, D, { kernel: 1 });
      const t = net.op('Transpose', [net.op('Reshape', [h, net.ints(0, D, 64)])], 'perm = [0, 2, 1]');
      const a = net.add(t, net.attention(net.layerNorm(t, D), D));
      const b = net.add(a, net.mlp(net.layerNorm(a, D), D));
      const n = net.op('Reshape', [
        net.op('Transpose', [net.layerNorm(b, D)], 'perm = [0, 2, 1]'),
        net.ints(0, D, 8, 8),
      ]);
      const y = net.relu(net.conv(n, D, C, { kernel: 1 }));
      return net.conv(net.op('Concat', [x, y], 'axis = 1'), 2 * C, 3);
    },
  );

  architecture('Zipformer: a bypass around a layer', 'identity/none identity/none long-additive/none', (net) => {
    const x = net.linear(net.input(`N,S,${D}`), D, D);
    const a = net.add(x, net.attention(x, D));
    const b = net.layerNorm(net.add(a, net.mlp(a, D)), D);
    const s = net.add(x, net.mul(net.op('Sub', [b, x]), net.parameter(D)));
    return net.linear(s, D, 3);
  });

  architecture('DLA: a root that joins levels is no site', 'projection/post-branch identity/post-branch', (net) => {
    const x = net.relu(net.conv(net.input('N,3,32,32'), 3, C));
    const bottom = pool(net, x);
    const res = net.batchNorm(net.conv(bottom, C, 16, { kernel: 1 }), 16);
    const bn = (v: Wire, i: number, o: number, s = 1) =>
      net.batchNorm(net.conv(v, i, o, { stride: s, bias: false }), o);
    const x1 = net.relu(net.add(bn(net.relu(bn(x, C, 16, 2)), 16, 16), res));
    const x2 = net.relu(net.add(bn(net.relu(bn(x1, 16, 16)), 16, 16), x1));
    const root = net.relu(net.batchNorm(net.conv(net.op('Concat', [x2, x1], 'axis = 1'), 32, 16, { kernel: 1 }), 16));
    return net.op('GlobalAveragePool', [root]);
  });

  architecture('Swin: positions rolled and rolled back', 'identity/pre identity/pre', (net) => {
    const x = net.linear(net.input(`1,16,${D}`), D, D);
    const n = net.layerNorm(x, D);
    const a = net.op('Slice', [n, net.ints(4), net.ints(99), net.ints(1)]);
    const b = net.op('Slice', [n, net.ints(0), net.ints(4), net.ints(1)]);
    const r = net.op('Concat', [a, b], 'axis = 1');
    const f = net.attention(r, D);
    const back = net.op(
      'Concat',
      [
        net.op('Slice', [f, net.ints(12), net.ints(99), net.ints(1)]),
        net.op('Slice', [f, net.ints(0), net.ints(12), net.ints(1)]),
      ],
      'axis = 1',
    );
    const y = net.add(x, back);
    const z = net.add(y, net.mlp(net.layerNorm(y, D), D));
    return net.linear(net.layerNorm(z, D), D, 3);
  });

  architecture('StyleGAN2: projection, scaled sum', 'scaled/none', (net) => {
    const x = net.relu(net.conv(net.input('N,3,32,32'), 3, C));
    const f = net.relu(net.conv(net.relu(net.conv(x, C, C)), C, 16, { stride: 2 }));
    const s = net.conv(x, C, 16, { kernel: 1, stride: 2, bias: false });
    return net.conv(net.mul(net.add(f, s), net.scalar(0.7071)), 16, 3);
  });

  architecture('deep and cross network', 'identity/none identity/none', (net) => {
    const x0 = net.linear(net.input(`N,${D}`), D, D);
    const x1 = net.add(net.mul(x0, net.linear(x0, D, D)), x0);
    const x2 = net.add(net.mul(x0, net.linear(x1, D, D)), x1);
    return net.linear(x2, D, 1);
  });

  architecture('residual LSTMs', 'identity/none identity/none', (net) => {
    let x = net.input(`S,N,${D}`);
    for (let i = 0; i < 3; i++) {
      const h = net.op('Squeeze', [
        net.op('LSTM', [x, net.parameter(1, 4 * D, D), net.parameter(1, 4 * D, D)], `hidden_size = ${D}`),
        net.ints(1),
      ]);
      x = i === 0 ? h : net.add(x, h);
    }
    return net.linear(x, D, 3);
  });

  architecture('Evoformer: a branch that its own normalized input gates', 'identity/pre', (net) => {
    const x = net.linear(net.input(`N,S,${D}`), D, D);
    const n = net.layerNorm(x, D);
    return net.linear(net.add(x, net.mul(net.op('Sigmoid', [net.linear(n, D, D)]), net.attention(n, D))), D, 3);
  });

  architecture('a gate before the last projection belongs to the branch', 'identity/pre', (net) => {
    const x = net.linear(net.input(`N,S,${D}`), D, D);
    const n = net.layerNorm(x, D);
    const g = net.linear(n, D, D);
    const f = net.mul(net.attention(n, D), net.mul(g, net.op('Sigmoid', [g])));
    return net.linear(net.add(x, net.linear(f, D, D)), D, 3);
  });

  architecture('a first block on the raw input', 'identity/pre', (net) => {
    const x = net.input(`N,S,${D}`);
    return net.linear(net.add(x, net.mlp(net.layerNorm(x, D), D)), D, 3);
  });

  architecture('a last block on the class token alone', 'identity/pre identity/pre', (net) => {
    const x = net.linear(net.input(`N,9,${D}`), D, D);
    const a = net.add(x, net.attention(net.layerNorm(x, D), D));
    const cls = net.op('Slice', [a, net.ints(0), net.ints(1), net.ints(1)]);
    const b = net.add(cls, net.mlp(net.layerNorm(cls, D), D));
    return net.linear(net.layerNorm(b, D), D, 3);
  });

  architecture('a skip that is cropped to fit', 'projection/none', (net) => {
    const x = net.relu(net.conv(net.input('N,3,32,32'), 3, C));
    const f = net.op('Slice', [
      net.relu(net.conv(net.relu(net.conv(x, C, C)), C, C)),
      net.ints(2),
      net.ints(32),
      net.ints(3),
    ]);
    const s = net.op('Slice', [x, net.ints(2), net.ints(32), net.ints(3)]);
    return net.conv(net.add(f, s), C, 3);
  });
});
