import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeUtf8, encodeUtf8 } from '../../src/support/utf8.js';

/** Bytes that come close to UTF-8: lead bytes, continuations and ASCII in any order. */
const almost = fc
  .array(fc.constantFrom(0x41, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff), {
    maxLength: 12,
  })
  .map((bytes) => Uint8Array.from(bytes));

test('any bytes come back from their text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), almost), (bytes) => expect(encodeUtf8(decodeUtf8(bytes))).toEqual(bytes)),
    {
      numRuns: 2000,
    },
  );
});

test('text of whole characters is standard UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(Buffer.from(encodeUtf8(text)).equals(Buffer.from(text, 'utf8'))).toBe(true);
      expect(decodeUtf8(Buffer.from(text, 'utf8'))).toBe(text);
    }),
  );
});

test('bytes that are not UTF-8 are escaped one by one, those around them are read', () => {
  expect(decodeUtf8(Uint8Array.of(0x61, 0xc3, 0xa9, 0xff, 0xe2, 0x82, 0x62))).toBe('aé\udcff\udce2\udc82b');
});
