/** Variadic parameters whose values may differ in type; the facts do not record it. `OP input` or `OP output`. */
const HETEROGENEOUS = new Set([
  'Adagrad input',
  'Adagrad output',
  'Adam input',
  'Adam output',
  'EPContext input',
  'EPContext output',
  'Gradient input',
  'Gradient output',
  'If output',
  'Loop input',
  'Loop output',
  'Momentum input',
  'Momentum output',
  'QLinearConcat input',
  'Scan input',
  'Scan output',
  'SequenceMap input',
  'SequenceMap output',
  'Snpe input',
  'Snpe output',
]);

/** Element types in the order of `TensorProto.DataType`; a type's letter is its place in `LETTERS`. */
const ELEMENTS =
  'float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 complex64 complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1 float8e8m0 uint2 int2 float6e2m3 float6e3m2'.split(
    ' ',
  );
const LETTERS = 'abcdefghijklmnopqrstuvwxyzAB';

const CONTAINERS = [
  ['', /^tensor\((\w+)\)$/],
  ['s:', /^seq\(tensor\((\w+)\)\)$/],
  ['o:', /^optional\(tensor\((\w+)\)\)$/],
  ['q:', /^optional\(seq\(tensor\((\w+)\)\)\)$/],
  ['z:', /^sparse_tensor\((\w+)\)$/],
];

const KIND_LETTERS = {
  INT: 'i',
  FLOAT: 'f',
  STRING: 's',
  TENSOR: 't',
  GRAPH: 'g',
  SPARSE_TENSOR: 'z',
  TYPE_PROTO: 'p',
  INTS: 'I',
  FLOATS: 'F',
  STRINGS: 'S',
};

const UNBOUNDED = 2147483647;

function check(condition, message) {
  if (!condition) throw new Error(`schema facts: ${message}`);
}

/** Letter code of a set of types, in canonical order: `ak` is tensor(float), tensor(double); `s:a` is seq(tensor(float)). */
export function encodeTypes(types) {
  const groups = CONTAINERS.map(() => []);
  const others = [];
  for (const type of types) {
    const at = CONTAINERS.findIndex(([, shape]) => shape.test(type));
    const element = at < 0 ? -1 : ELEMENTS.indexOf(CONTAINERS[at][1].exec(type)[1]);
    if (element < 0) {
      check(/^(seq|map|seq\(map)\(/.test(type) && !/[/;|@]/.test(type), `unknown type ${type}`);
      others.push(type.replaceAll(', ', ',').replace(/^(.*map\(\w+),(\w+)(\)+)$/, '$1,tensor($2)$3'));
    } else groups[at].push(element);
  }
  const texts = groups.map((group, i) => {
    const sorted = [...new Set(group)].toSorted((a, b) => a - b);
    return sorted.length === 0 ? '' : CONTAINERS[i][0] + sorted.map((e) => LETTERS[e]).join('');
  });
  return [...texts.filter((text) => text !== ''), ...others.toSorted()].join('/');
}

function minArity(parameters, facts) {
  let least = 0;
  parameters.forEach((parameter, i) => {
    if (parameter.option === 'Single') least = i + 1;
  });
  const last = parameters.at(-1);
  if (last?.option !== 'Variadic') return { least, variadic: 0 };
  const min = facts ?? Math.max(least, parameters.length);
  return { least: min, variadic: min - (parameters.length - 1) };
}

function encodeParameters(schema, side) {
  const parameters = schema[`${side}s`];
  const { least, variadic } = minArity(parameters, schema[`min_${side}s`]);
  const most = parameters.at(-1)?.option === 'Variadic' ? UNBOUNDED : parameters.length;
  check((schema[`min_${side}s`] ?? least) === least, `${schema.op}: min ${side}s`);
  check((schema[`max_${side}s`] ?? most) === most, `${schema.op}: max ${side}s`);
  const encoded = parameters.map(({ name, type, option }, i) => {
    check(/^[\w.]+$/.test(name), `${schema.op}: parameter name ${name}`);
    check(option !== 'Variadic' || i === parameters.length - 1, `${schema.op}: variadic ${side} is not last`);
    const literal = type in schema.types ? type : `=${encodeTypes([type])}`;
    const heterogeneous = HETEROGENEOUS.has(`${schema.op} ${side}`) ? '~' : '';
    const mark = { Single: '', Optional: '?', Variadic: `*${variadic === 1 ? '' : variadic}${heterogeneous}` }[option];
    return `${name}${mark}:${literal}`;
  });
  return encoded.join(',');
}

function encodeDefault(type, value) {
  if (Array.isArray(value)) return value.map((item) => encodeDefault(type.slice(0, -1), item)).join(' ');
  if (type === 'FLOAT') {
    const short = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digits) => Number(value.toPrecision(digits)));
    const found = short.find((candidate) => Math.fround(candidate) === value);
    check(found !== undefined, `default ${value} is not a float32`);
    return String(found);
  }
  check(type === 'STRING' ? /^\w*$/.test(value) : Number.isSafeInteger(value), `default ${value} of type ${type}`);
  return String(value);
}

function encodeAttributes(schema) {
  const sorted = schema.attributes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const encoded = sorted.map(({ name, type, required, default: value }) => {
    check(KIND_LETTERS[type] !== undefined, `${schema.op}: attribute type ${type}`);
    const tail = required ? '!' : value === null ? '' : `=${encodeDefault(type, value)}`;
    return `${name}:${KIND_LETTERS[type]}${tail}`;
  });
  return encoded.join(',');
}

function encodeConstraints(schema) {
  const names = Object.keys(schema.types).toSorted();
  return names.map((name) => `${name}=${encodeTypes(schema.types[name])}`).join(';');
}

/**
 * One line per operator: its name, then ` @` and one version after the other, oldest first. A version reads
 * `since[!][f]|inputs|outputs|attributes|constraints`; `!` means deprecated, `f` that the standard gives a function
 * body, and a part that is `^` is that of the version before.
 */
export function encodeOperator(schemas) {
  let previous = [];
  const versions = schemas
    .toSorted((a, b) => a.since - b.since)
    .map((schema) => {
      const parts = [
        encodeParameters(schema, 'input'),
        encodeParameters(schema, 'output'),
        encodeAttributes(schema),
        encodeConstraints(schema),
      ];
      const shown = parts.map((part, i) => (part !== '' && part === previous[i] ? '^' : part));
      previous = parts;
      return `${schema.since}${schema.deprecated ? '!' : ''}${schema.function ? 'f' : ''}|${shown.join('|')}`;
    });
  return `${schemas[0].op} @${versions.join(' @')}`;
}
