const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/**
 * The text of UTF-8 bytes, a byte order mark included. A byte `b` that is not part of valid UTF-8 becomes the lone surrogate
 * `U+DC00 + b` (PEP 383), so that {@link encodeUtf8} gives the same bytes back and different bytes are different strings.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return escapeInvalid(bytes);
  }
}

/** The bytes that {@link decodeUtf8} read; lone surrogates that it does not make are replaced by U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  if (!hasLoneSurrogate(text)) return ENCODER.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code & 0xff);
    else bytes.push(...ENCODER.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** Whether the text holds a surrogate without its partner, as {@link decodeUtf8} makes of invalid bytes. */
export function hasLoneSurrogate(text: string): boolean {
  const { isWellFormed } = text as { readonly isWellFormed?: () => boolean };
  return isWellFormed ? !isWellFormed.call(text) : /\p{Surrogate}/u.test(text);
}

function escapeInvalid(bytes: Uint8Array): string {
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (from < at) text += STRICT.decode(bytes.subarray(from, at));
    text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    at += 1;
    from = at;
  }
  return text + STRICT.decode(bytes.subarray(from));
}

/** Length of the valid sequence at `at`, 0 if there is none (The Unicode Standard, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): 0 | 1 | 2 | 3 | 4 {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) {
    const next = bytes[at + i] ?? 0;
    if (next < 0x80 || next > 0xbf) return 0;
  }
  return length;
}
