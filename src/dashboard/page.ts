/** The page at /: state of the service, runs with their F1, a box to tag text. It knows only the public API. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>mtmt</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --PER: #3b82f6; --ORG: #16a34a; --LOC: #d97706; --MISC: #a855f7; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { margin: 0; } h2 { margin-top: 2rem; font-size: 1.1rem; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
  textarea { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; }
  button { font: inherit; padding: .3rem 1rem; margin-top: .5rem; }
  mark { color: #fff; border-radius: .25rem; padding: 0 .25rem; background: #64748b; }
  mark small { opacity: .8; margin-left: .3rem; }
  #tagged { min-height: 2rem; margin-top: .8rem; white-space: pre-wrap; } .muted { opacity: .7; }
</style>
</head>
<body>
<h1>mtmt</h1>
<p class="muted">Named entities across languages: labels in one, a student for the others. <a href="/docs">API documentation</a> · <a href="/metrics">metrics</a></p>
<p id="state">…</p>
<h2>Tag text</h2>
<textarea id="text" rows="3" aria-label="Text to tag">La alcaldesa de Logroño, Marta Ibáñez, recibió ayer a los directivos de Iberdrola.</textarea>
<button id="tag">Tag</button>
<div id="tagged" aria-live="polite"></div>
<h2>Runs</h2>
<table><thead><tr><th>run</th><th>kind</th><th>status</th><th>progress</th><th>F1 on test sets</th></tr></thead><tbody id="runs"></tbody></table>
<script type="module">
const $ = (id) => document.getElementById(id);
const get = async (path) => (await fetch(path)).json();
const cell = (text) => { const td = document.createElement('td'); td.textContent = text; return td; };
// by what chose the checkpoint, the run's own selection first
const f1By = (score, name) => (score.selection === name ? score : score.variants.find((each) => each.selection === name && each.decoding === score.decoding))?.f1;
const figures = (scores) => [...new Set([...scores.map((score) => score.selection), 'source-dev', 'target-dev'])]
  .map((name) => [name, scores.filter((score) => f1By(score, name) !== undefined).map((score) => score.language + ' ' + (100 * f1By(score, name)).toFixed(1))])
  .filter(([, shown]) => shown.length > 0)
  .map(([name, shown]) => name + ': ' + shown.join(' · '))
  .join('; ');
async function showState() {
  const { status, ...parts } = await get('/health/ready');
  const faults = Object.entries(parts).filter(([, part]) => part && part.ok === false).map(([name, part]) => name + ': ' + part.reason);
  $('state').textContent = status + (faults.length ? ' (' + faults.join('; ') + ')' : '');
}
async function showRuns() {
  const { items } = await get('/runs?limit=20');
  const rows = await Promise.all(items.map(async (run) => {
    const scores = run.status === 'succeeded' ? (await get('/runs/' + run.runId + '/scores?split=test')).items : [];
    const tr = document.createElement('tr');
    const { step, steps, etaSeconds } = run.progress;
    const progress = steps ? step + ' / ' + steps + (run.terminal || etaSeconds === null ? '' : ', ' + Math.round(etaSeconds) + ' s left') : '';
    tr.append(cell(run.name), cell(run.kind), cell(run.status + (run.failure ? ': ' + run.failure.code : '')), cell(progress),
      cell(figures(scores)));
    return tr;
  }));
  $('runs').replaceChildren(...rows);
}
$('tag').addEventListener('click', async () => {
  const text = $('text').value;
  const answer = await fetch('/ner', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text, offsetUnit: 'utf16' }) });
  const body = await answer.json();
  if (!answer.ok) { $('tagged').textContent = body.detail; return; }
  const parts = [];
  let at = 0;
  for (const { start, end, label, score } of body.results[0].entities) {
    parts.push(text.slice(at, start));
    const mark = document.createElement('mark');
    mark.style.background = 'var(--' + label + ', #64748b)';
    mark.append(text.slice(start, end));
    const small = document.createElement('small');
    small.textContent = label;
    mark.title = score.toFixed(3);
    mark.append(small);
    parts.push(mark);
    at = end;
  }
  $('tagged').replaceChildren(...parts, text.slice(at));
});
const refresh = () => Promise.all([showState(), showRuns()]).catch(() => { $('state').textContent = 'the service does not answer'; });
refresh();
setInterval(refresh, 5000);
</script>
</body>
</html>
`;
