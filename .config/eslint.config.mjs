// Strict and type-aware. Which folder may import which is checked by test/architecture.test.ts, which also knows which
// folder owns which package; here only cycles.
import { join } from 'node:path';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const root = join(import.meta.dirname, '..');

export default tseslint.config(
  { ignores: ['src/store/generated/**', 'node_modules/**'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: join(root, 'tsconfig.json'), tsconfigRootDir: root } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.mjs'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-duplicates': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNullish: true, allowArray: true }],
      // An empty rejection handler says "this may fail" plainly enough, and `void` marks a promise left alone on purpose.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_', ignoreRestSiblings: true }],
      // Ours are plain objects whose functions close over what they need; `this` is not used outside classes.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test that indexes what is not there fails, which is what it is for.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Fakes keep the async shape of what they stand for.
      '@typescript-eslint/require-await': 'off',
      // node:test's functions return promises that the runner awaits.
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it', 'suite'], package: 'node:test' }] }],
    },
  },
);
