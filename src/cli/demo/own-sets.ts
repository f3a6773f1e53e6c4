/** The corpora that the project brings along, as uploads. */
import { demoSets } from '../../demo/generate.ts';
import type { Upload } from '../client/api.ts';
import { named } from '../client/sets.ts';

export function ownSets(): Upload[] {
  return demoSets().map(({ language, kind, split, sentences }) => {
    const content = sentences.map(({ tokens, tags }) => tokens.map((token, word) => (tags === undefined ? token : `${token}\t${tags[word]}`)).join('\n')).join('\n\n');
    return named('demo', { kind, language, split, content });
  });
}
