/** The Python of a model card: how to use the exported files, in the words of the library that reads them. Tests run it. */
import { inputNames } from '../onnx/encoder.ts';
import type { ExportFormat } from '../schemas/checkpoint.ts';
import { hasHead, longestWindow, type Manifest } from './manifest.ts';

/** Lines of a program that is run in the folder; defines `tag(words)`, or `similarity(left, i, right, j)` for an evaluator. */
export function exampleProgram(manifest: Manifest, format: ExportFormat): string[] {
  const model = format === 'hf' ? transformersModel(manifest) : onnxModel(manifest);
  return [...model.imports, '', ...model.lines, '', ...wordReader(manifest), '', ...(hasHead(manifest) ? tagger(manifest) : comparer(manifest))];
}

interface Lines {
  readonly imports: readonly string[];
  readonly lines: readonly string[];
}

function transformersModel(manifest: Manifest): Lines {
  const [loader, output] = hasHead(manifest) ? ['AutoModelForTokenClassification', 'logits'] : ['AutoModel', 'last_hidden_state'];
  return {
    imports: ['import numpy as np', 'import torch', 'from tokenizers import Tokenizer', `from transformers import ${loader}`],
    lines: [
      `model = ${loader}.from_pretrained(".").eval()`,
      '',
      'def run(pieces):  # [sequence, outputs]',
      '    with torch.no_grad():',
      `        return model(input_ids=torch.tensor([pieces])).${output}[0].numpy()`,
    ],
  };
}

function onnxModel(manifest: Manifest): Lines {
  const output = hasHead(manifest) ? 'logits' : 'last_hidden_state';
  const values: Record<string, string> = { input_ids: 'ids', attention_mask: 'np.ones_like(ids)', token_type_ids: 'np.zeros_like(ids)' };
  const feeds = inputNames(manifest.config).map((name) => `"${name}": ${values[name]}`);
  return {
    imports: ['import numpy as np', 'import onnxruntime', 'from tokenizers import Tokenizer'],
    lines: [
      'session = onnxruntime.InferenceSession("model.onnx")',
      '',
      'def run(pieces):  # [sequence, outputs]; several sequences are padded, with 0 in their attention_mask',
      '    ids = np.array([pieces], dtype=np.int64)',
      `    return session.run(["${output}"], {${feeds.join(', ')}})[0][0]`,
    ],
  };
}

/** Words are cut one by one and stand for their first piece, as in training. */
function wordReader(manifest: Manifest): string[] {
  const place = manifest.wordPiece === 'first' ? 'len(pieces)' : 'len(pieces) + (len(ids) > 1 and tokenizer.id_to_token(ids[0]) in ("▁", "Ġ", "##"))';
  return [
    'tokenizer = Tokenizer.from_file("tokenizer.json")',
    'tokenizer.no_truncation()',
    'tokenizer.no_padding()',
    'start, end = tokenizer.encode("").ids',
    'unknown = next(id for id in map(tokenizer.token_to_id, ("[UNK]", "<unk>")) if id is not None)',
    '',
    `def read(words):  # [words, outputs]; at most ${longestWindow(manifest)} pieces`,
    '    pieces, places = [start], []',
    '    for word in words:',
    '        ids = tokenizer.encode(word, add_special_tokens=False).ids or [unknown]',
    `        places.append(${place})`,
    '        pieces += ids',
    '    return run(pieces + [end])[places]',
  ];
}

function tagger({ tags, options }: Manifest): string[] {
  return [
    `tags = ${JSON.stringify(tags)}`,
    '',
    'def tag(words):',
    '    logits = read(words)',
    ...(options.decoding === 'argmax' ? ['    return [tags[best] for best in logits.argmax(-1)]'] : viterbi()),
    '',
    'print(tag("Marijke Hoekstra verhuisde van Utrecht naar Odoorn .".split()))',
  ];
}

/** As `scoring/viterbi.ts`. */
function viterbi(): string[] {
  return [
    '    probs = np.exp(logits - logits.max(-1, keepdims=True))',
    '    scores = np.log(np.maximum(probs / probs.sum(-1, keepdims=True), 1e-12)).astype(np.float64)',
    '    inside = [tag.startswith("I-") for tag in tags]',
    '    best, came = np.where(inside, -np.inf, scores[0]), []',
    '    for word in scores[1:]:',
    '        source = np.full(len(tags), best.argmax())',
    '        for i in np.flatnonzero(inside):  # I-X follows B-X or I-X only',
    '            source[i] = i if best[i] >= best[i - 1] else i - 1',
    '        best = best[source] + word',
    '        came.append(source)',
    '    path = [best.argmax()]',
    '    for source in reversed(came):',
    '        path.append(source[path[-1]])',
    '    return [tags[i] for i in reversed(path)]',
  ];
}

function comparer({ options }: Manifest): string[] {
  return [
    'def similarity(left, i, right, j):  # how likely word i of a sentence and word j of another have the same tag',
    '    a, b = read(left)[i], read(right)[j]',
    '    cosine = a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-6)',
    `    return 1 / (1 + np.exp(-cosine / ${options.similarityTemperature}))`,
    '',
    'print(similarity(["Berlin", "sleeps"], 0, ["Ana", "lives", "in", "Rome"], 3))',
  ];
}
