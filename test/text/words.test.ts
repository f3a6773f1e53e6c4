import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { segmentWords } from '../../src/text/words.ts';
import { wildText } from './wild-text.ts';

const words = (text: string, language?: string): string[] => segmentWords(text, language).map(({ word }) => word);

const CASES: [title: string, text: string, expected: string[], language?: string][] = [
  ['splits punctuation off', '"Ada (27), left!"', ['"', 'Ada', '(', '27', ')', ',', 'left', '!', '"']],
  ['keeps hyphened words, numbers, dates and times whole', 'The Franco-German 1,000.5 on 1996-08-22 at 10:30', ['The', 'Franco-German', '1,000.5', 'on', '1996-08-22', 'at', '10:30']],
  ['keeps abbreviations with their stop, and takes it off a sentence’s end', 'U.S. firm Acme Inc. hired J. K. Ray.', ['U.S.', 'firm', 'Acme', 'Inc.', 'hired', 'J.', 'K.', 'Ray', '.']],
  ['joins ellipses, dashes and ampersands', 'AT&T ... yes -- no', ['AT&T', '...', 'yes', '--', 'no']],
  ['cuts English contractions', "Ann's dog didn't; they're", ['Ann', "'s", 'dog', 'did', "n't", ';', 'they', "'re"]],
  ['leaves the Dutch plural whole', "foto's", ["foto's"], 'nl'],
  ['cuts elisions', "l'ONU et L'Union d'Avignon", ["l'", 'ONU', 'et', "L'", 'Union', "d'", 'Avignon'], 'fr'],
  ['leaves Irish names whole', "O'Brien", ["O'Brien"]],
  ['finds words in Chinese and Japanese', '王小明去北京。東京へ行く', ['王', '小明', '去', '北京', '。', '東京', 'へ', '行く']],
  ['cuts where scripts meet inside of a word', '在Google工作 ไปGoogleกรุงเทพ', ['在', 'Google', '工作', 'ไป', 'Google', 'กรุงเทพ']],
  ['keeps emoji sequences whole', '👨‍👩‍👧‍👦👍🏽🇩🇪🇫🇷🏴󠁧󠁢󠁥󠁮󠁧󠁿', ['👨‍👩‍👧‍👦', '👍🏽', '🇩🇪', '🇫🇷', '🏴󠁧󠁢󠁥󠁮󠁧󠁿']],
  ['keeps combining marks with their letter', 'Cafe\u0301 मोदी', ['Cafe\u0301', 'मोदी']],
  ['splits Arabic punctuation off and drops marks of direction', '\u200fمرحبا، كيف؟', ['مرحبا', '،', 'كيف', '؟']],
  ['takes controls and zero-width spaces for space', 'a\0b\u200bc\ufeff', ['a', 'b', 'c']],
  ['finds none in blank text', ' \n\u200d\u2028\0 ', []],
  ['takes a language that nobody knows for none', 'a b', ['a', 'b'], 'xx-nonsense-1'],
];
for (const [title, text, expected, language] of CASES) test(`segmentWords ${title}`, () => assert.deepEqual(words(text, language), expected));

test('segmentWords gives words that their offsets cut, in order, and leaves nothing visible out', () => {
  const generator = random(2);
  for (let round = 0; round < 300; round++) {
    const text = wildText(generator, round % 10 === 0 ? 400 : 30);
    let last = 0;
    for (const { word, start, end } of segmentWords(text)) {
      assert.equal(text.slice(start, end), word);
      assert.ok(start >= last && end > start);
      assert.match(text.slice(last, start), /^[\s\p{Z}\p{Cc}\p{Cf}]*$/u);
      last = end;
    }
    assert.match(text.slice(last), /^[\s\p{Z}\p{Cc}\p{Cf}]*$/u);
  }
});

test('segmentWords splits a long text as it splits its sentences alone', () => {
  const sentences = ['Der Präsident besuchte am 3. Mai die Franco-German AG in Köln.', '王小明 去 北京 见 李雷 。', 'They don’t know U.S. Senator Ann Lee, do they?'];
  const text = Array.from({ length: 300 }, (_, index) => sentences[index % 3]).join(' ');
  assert.deepEqual(words(text), Array.from({ length: 300 }, (_, index) => words(sentences[index % 3] ?? '')).flat());
});

for (const [title, text] of [
  ['spaces', ' '.repeat(10_000_000)],
  ['one letter', 'a'.repeat(300_000)],
  ['Chinese', '王小明去北京'.repeat(20_000)],
  ['alternating scripts', 'กa'.repeat(30_000)],
  ['combining marks', '\u0301'.repeat(300_000)],
] as const) {
  test(`segmentWords is linear in ${title}`, () => {
    const startedAt = performance.now();
    segmentWords(text);
    assert.ok(performance.now() - startedAt < 10_000);
  });
}
