import { add, mul, neg, sub } from './arith.js';
import { ceilDiv, divideExact, floorDiv, mod } from './divide.js';
import { type Dim, symbol } from './expr.js';
import { max, min } from './extremum.js';

/** Thrown inside this file only. */
class SyntaxFault extends Error {}

const TOKEN = /\s*(?:(\d+)|([A-Za-z_][A-Za-z0-9_.]*)|(`)|(\/\/|[-+*/%(),?]))/suy;
const DEEPEST = 64;

interface Token {
  readonly kind: 'number' | 'name' | 'quoted' | 'sign' | 'end';
  readonly text: string;
}

/** A value that is still to be divided: `floor(a/b)` rounds it, elsewhere the division must be exact. */
interface Ratio {
  readonly above: Dim;
  readonly below: Dim;
}

/**
 * Reads what `format` writes, and also `//` and `%` (floor division and remainder), an exact `/`, spaces and any
 * parentheses. `?` and numbers that are not safe integers are unknown (`null`); what is not an expression is `undefined`.
 */
export function parse(text: string): Dim | undefined {
  const tokens = tokenize(text);
  if (tokens === null) return undefined;
  try {
    const parser = new Parser(tokens);
    const value = whole(parser.sum(0));
    parser.expect('end', '');
    return value;
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

function tokenize(text: string): readonly Token[] | null {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (match === null) return null;
    const [, digits, name, quote, sign] = match;
    if (digits !== undefined) tokens.push({ kind: 'number', text: digits });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (quote === undefined) tokens.push({ kind: 'sign', text: sign ?? '' });
    else {
      const close = closingQuote(text, TOKEN.lastIndex);
      if (close < 0) return null;
      tokens.push({ kind: 'quoted', text: text.slice(TOKEN.lastIndex, close).replaceAll(/\\(.)/gsu, '$1') });
      TOKEN.lastIndex = close + 1;
    }
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

/** Index of the backquote that ends the name which starts at `from`; -1 without one. */
function closingQuote(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '`') return i;
    if (text[i] === '\\') i++;
  }
  return -1;
}

function whole({ above, below }: Ratio): Dim {
  if (below === 1 || above === null || below === null) return below === null ? null : above;
  const quotient = divideExact(above, below);
  if (quotient === null) throw new SyntaxFault();
  return quotient;
}

function integer(value: Dim): Ratio {
  return { above: value, below: 1 };
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '' };
  }

  #takesSign(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'sign' || token.text !== text) return false;
    this.#next++;
    return true;
  }

  expect(kind: Token['kind'], text: string): void {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) throw new SyntaxFault();
    this.#next++;
  }

  sum(depth: number): Ratio {
    if (depth > DEEPEST) throw new SyntaxFault();
    let left = this.#term(depth);
    for (;;) {
      const combine = this.#takesSign('+') ? add : this.#takesSign('-') ? sub : undefined;
      if (combine === undefined) return left;
      const right = this.#term(depth);
      const above = combine(mul(left.above, right.below), mul(right.above, left.below));
      left = { above, below: mul(left.below, right.below) };
    }
  }

  #term(depth: number): Ratio {
    let left = this.#factor(depth);
    for (;;) {
      if (this.#takesSign('*')) {
        const right = this.#factor(depth);
        left = { above: mul(left.above, right.above), below: mul(left.below, right.below) };
      } else if (this.#takesSign('//')) {
        left = integer(floorDiv(whole(left), whole(this.#factor(depth))));
      } else if (this.#takesSign('%')) {
        left = integer(mod(whole(left), whole(this.#factor(depth))));
      } else if (this.#takesSign('/')) {
        left = { above: left.above, below: mul(left.below, whole(this.#factor(depth))) };
      } else return left;
    }
  }

  #factor(depth: number): Ratio {
    let isNegative = false;
    while (this.#takesSign('-')) isNegative = !isNegative;
    const { above, below } = this.#primary(depth);
    return { above: isNegative ? neg(above) : above, below };
  }

  #primary(depth: number): Ratio {
    const token = this.#peek();
    if (this.#takesSign('?')) return integer(null);
    if (this.#takesSign('(')) {
      const inner = this.sum(depth + 1);
      this.expect('sign', ')');
      return inner;
    }
    this.#next++;
    switch (token.kind) {
      case 'number':
        return integer(Number.isSafeInteger(Number(token.text)) ? Number(token.text) : null);
      case 'quoted':
        return integer(symbol(token.text));
      case 'name':
        return this.#takesSign('(') ? this.#call(token.text.toLowerCase(), depth) : integer(symbol(token.text));
      case 'sign':
      case 'end':
        throw new SyntaxFault();
    }
  }

  #call(name: string, depth: number): Ratio {
    const args = [this.sum(depth + 1)];
    while (this.#takesSign(',')) args.push(this.sum(depth + 1));
    this.expect('sign', ')');
    const [first, second, ...others] = args;
    if (first === undefined) throw new SyntaxFault();
    if (name === 'min' || name === 'max') return integer((name === 'min' ? min : max)(...args.map(whole)));
    if (second === undefined && name === 'floor') return integer(floorDiv(first.above, first.below));
    if (second === undefined && name === 'ceil') return integer(ceilDiv(first.above, first.below));
    if (name === 'mod' && second !== undefined && others.length === 0) return integer(mod(whole(first), whole(second)));
    throw new SyntaxFault();
  }
}
