/** Text of the kinds that break offsets, from a seeded generator. */
import type { Random } from '../../src/corpora/random.ts';
import type { OffsetUnit } from '../../src/text/offsets.ts';

const PARTS = [
  'Berlin', 'São', 'Paulo', "O'Brien", "Peter's", 'don’t', 'Franco-German', 'U.S.', '3.5%', '1996-08-22', '10:30', 'AT&T', '...', '--', '(', ')', '"', ',', '.', 'a.b@c.de',
  '👨‍👩‍👧‍👦', '👍🏽', '🇩🇪🇫🇷', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '😀', '❤️', '1️⃣', '\u200d', '\ufe0f',
  'e\u0301', '\u0301', 'Z\u0351\u036b\u0343', 'नरेन्द्र', 'ร้องเพลง', 'ไปGoogleกรุงเทพ',
  'القاهرة', 'مُحَمَّد', '،', '؟', '\u200f', '\u202b', 'می\u200cخواهم', 'שלום',
  '王小明', '在Google工作', '，', '。', '東京タワーへ行く', '让·雅克', '서울에서', '𠮷野家', '𝔘𝔫𝔦', '𐍈',
  '\0', '\u0007', '\u00ad', '\ufeff', '\u200b', '\u2028',
];
const SPACES = ['', '', ' ', ' ', '  ', '\n', '\r\n', '\t', '\u00a0', '\u3000'];

export function wildText(generator: Random, maxParts: number): string {
  const draw = (items: readonly string[]): string => items[generator.int(items.length)] ?? '';
  return Array.from({ length: generator.int(maxParts + 1) }, () => draw(PARTS) + draw(SPACES)).join('');
}

/** As a client of each kind of language cuts. */
export function cut(text: string, start: number, end: number, unit: OffsetUnit): string {
  if (unit === 'utf16') return text.slice(start, end);
  if (unit === 'codepoint') return Array.from(text).slice(start, end).join('');
  return Buffer.from(text).subarray(start, end).toString('utf8');
}
