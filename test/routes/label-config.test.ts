import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLabelConfig } from '../../src/routes/label-config.ts';

const TEXT = '<Text name="text" value="$body"/>';

function configOf(labels: string, attributes = ''): string {
  return `<View><Labels name="label" toName="text" ${attributes}>${labels}</Labels>${TEXT}</View>`;
}

test('the names of both tags, the key of the text and the threshold are those of the first Labels over a Text', () => {
  const xml = `
    <!-- a comment --><View>
      <Choices name="mood" toName="text"><Choice value="PER"/></Choices>
      <Labels name="box" toName="picture"><Label value="PER"/></Labels><Image name="picture" value="$image"/>
      <view><labels name="label" toName="picture,text" model_score_threshold="0.25"><View><Label value="A &amp; B"/></View></labels></view>
      <Labels name="second" toName="text"><Label value="LOC"/></Labels>
      ${TEXT}
    </View>`;
  const { labelOf, ...names } = readLabelConfig(xml);
  assert.deepEqual(names, { fromName: 'label', toName: 'text', dataKey: 'body', threshold: 0.25 });
  assert.deepEqual(['a & b', 'LOC', 'PER'].map(labelOf), ['A & B', null, null]);
});

const NAMES: [name: string, labels: string, model: string, expected: string | null][] = [
  ['the same name', '<Label value="PER"/>', 'PER', 'PER'],
  ['the same name in another case', '<Label value="Per"/>', 'PER', 'Per'],
  ['the exact name before another case', '<Label value="per"/><Label value="PER"/>', 'PER', 'PER'],
  ['predicted_values', '<Label value="Person" predicted_values="HUM, PER"/>', 'PER', 'Person'],
  ['predicted_values before a name', '<Label value="LOC"/><Label value="Place" predicted_values="LOC"/>', 'LOC', 'Place'],
  ['the alias, which results hold', '<Label value="Person" alias="p" predicted_values="PER"/>', 'PER', 'p'],
  ['the value of a label with an alias', '<Label value="PER" alias="p"/>', 'PER', 'p'],
  ['no label', '<Label value="Person"/><Label/>', 'PER', null],
];
for (const [name, labels, model, expected] of NAMES) {
  test(`a label of the model is the project's by ${name}`, () => assert.equal(readLabelConfig(configOf(labels)).labelOf(model), expected));
}

const REFUSED: [name: string, xml: string, detail: RegExp][] = [
  ['what is no XML', '<View>', /^The label config does not fit: it is no XML: [^\n]+$/],
  ['nothing', ' ', /it is no XML/],
  ['an entity that is not declared', '<View>&xxe;</View>', /it is no XML/],
  ['nesting without end', '<View>'.repeat(100_000), /it is no XML/],
  ['no labels', `<View>${TEXT}</View>`, /it has no Labels over a Text/],
  ['labels over an image', '<View><Labels name="a" toName="b"/><Image name="b" value="$b"/></View>', /it has no Labels over a Text/],
  ['a text of its own', configOf('').replace('$body', 'Hello'), /the Text has the value "Hello", expected the name of a key/],
  ['a text around a key', configOf('').replace('$body', '$title: $body'), /the Text has the value "\$title: \$body", expected the name of a key/],
  ['texts behind addresses', configOf('').replace('"$body"', '"$body" valueType="url"'), /not from elsewhere/],
  ['a threshold that is none', configOf('', 'model_score_threshold="high"'), /the model_score_threshold "high", expected 0 to 1/],
];
for (const [name, xml, detail] of REFUSED) {
  test(`a config with ${name} is refused`, () => assert.throws(() => readLabelConfig(xml), { code: 'LABEL_CONFIG_INVALID', message: detail }));
}
