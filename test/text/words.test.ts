import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { demoSets } from '../../src/demo/generate.ts';
import { spansOfTags } from '../../src/text/bio.ts';
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
  ['keeps German ordinals and suspended hyphens, and takes the stop off a sentence’s end', 'Der 3. Rad- und Fußweg von 1996. Am 12.', ['Der', '3.', 'Rad-', 'und', 'Fußweg', 'von', '1996', '.', 'Am', '12', '.'], 'de'],
  ['cuts them elsewhere', 'Chapter 3. Two - and two', ['Chapter', '3', '.', 'Two', '-', 'and', 'two']],
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

/** Shares of the tokens that are words. A Chinese word is what a corpus says: names, above all, are cut into more words here. */
const AGREEMENT: Record<string, number> = { en: 0.999, de: 0.997, es: 0.997, nl: 0.997, zh: 0.8 };
for (const [language, least] of Object.entries(AGREEMENT)) {
  test(`segmentWords agrees with how the demo’s corpora are split in ${language}, and no word crosses an entity’s border`, (t) => {
    const between = language === 'zh' ? '' : ' ';
    let [tokens, agreed] = [0, 0];
    for (const sentence of demoSets().filter((set) => set.language === language).flatMap(({ sentences }) => sentences)) {
      const gold = rangesOf(sentence.tokens, between);
      const found = segmentWords(sentence.tokens.join(between), language);
      const ranges = new Set(found.map(({ start, end }) => `${start} ${end}`));
      const [starts, ends] = [new Set(found.map(({ start }) => start)), new Set(found.map(({ end }) => end))];
      tokens += gold.length;
      agreed += gold.filter(([start, end]) => ranges.has(`${start} ${end}`)).length;
      for (const { wordStart, wordEnd } of spansOfTags(sentence.tags ?? [])) {
        assert.ok(starts.has(gold[wordStart]![0]) && ends.has(gold[wordEnd - 1]![1]), sentence.tokens.join(' '));
      }
    }
    t.diagnostic(`${((100 * agreed) / tokens).toFixed(2)} % of ${tokens}`);
    assert.ok(agreed >= least * tokens, `${agreed} of ${tokens}`);
  });
}

function rangesOf(tokens: readonly string[], between: string): [start: number, end: number][] {
  let end = -between.length;
  return tokens.map(({ length }) => {
    const start = end + between.length;
    end = start + length;
    return [start, end];
  });
}

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
