import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter, parseSort } from '../../src/routes/run-filter.ts';

test('conditions are joined by commas, and values may be quoted', () => {
  assert.deepEqual(parseFilter('seed>=2, tags.team="a, \\"b\\"",options.alpha=false,options.maxSteps=null,name='), [
    { field: 'seed', operator: '>=', value: 2 },
    { field: { column: 'tags', key: 'team' }, operator: '=', value: 'a, "b"' },
    { field: { column: 'options', key: 'alpha' }, operator: '=', value: false },
    { field: { column: 'options', key: 'maxSteps' }, operator: '=', value: null },
    { field: 'name', operator: '=', value: '' },
  ]);
});

test('no filter is no condition', () => assert.deepEqual(parseFilter(''), []));

test('a minus sorts the greatest first', () => {
  assert.deepEqual(parseSort('-seed'), { field: 'seed', isDescending: true });
  assert.deepEqual(parseSort('name'), { field: 'name', isDescending: false });
});

for (const [text, message] of [
  ['seed', /"seed" is no condition/],
  ['f1>0.5', /"f1>0.5" is no condition|no field "f1"/],
  ['colour=red', /no field "colour"/],
  ['name.x=1', /no field "name.x"/],
  ['seed=1.5', /seed is a whole number/],
  ['seed=', /seed is a whole number/],
  ['seed=99999999999', /seed is a whole number/],
  ['status=done', /status is one of waiting, queued/],
  ['name>a', /name is neither/],
  ['createdAt>yesterday', /createdAt is a time/],
  ['tags.a>b', /compares numbers/],
  ['name="a"b', /no condition/],
] as const) {
  test(`the filter ${text} is refused`, () => assert.throws(() => parseFilter(text), { code: 'FILTER_INVALID', message }));
}

test('an order that is none is refused', () => assert.throws(() => parseSort('f1'), { code: 'FILTER_INVALID', message: /createdAt, name, seed, priority/ }));
