import tseslint from 'typescript-eslint'

const INDEPENDENT_VERIFY =
  'verify is an independent implementation: it shares types and canonical JSON with the pipeline, and no code that folds.'
const NO_IO_IN_CORE = 'Core is pure (I9): time, randomness and I/O are passed in as arguments.'

export default tseslint.config(
  { ignores: ['dist/', 'build/', '.windrow*/', 'coverage/', 'node_modules/', 'test/fixtures/'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      'no-console': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: ['error', 'always'],
    },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'process',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'fetch',
          'performance',
          'crypto',
          'queueMicrotask',
        ].map((name) => ({ name, message: NO_IO_IN_CORE })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: NO_IO_IN_CORE },
        { object: 'Math', property: 'random', message: NO_IO_IN_CORE },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: NO_IO_IN_CORE },
        { selector: 'AwaitExpression', message: NO_IO_IN_CORE },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^node:', message: NO_IO_IN_CORE },
            { regex: '^\\.\\./(?!errors/)', message: 'Core imports nothing outside src/core but src/errors/index.ts.' },
          ],
        },
      ],
    },
  },
  {
    files: ['src/verify/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^\\.\\./core/(?!json\\.ts$)', allowTypeImports: true, message: INDEPENDENT_VERIFY },
            { regex: '^\\.\\./(?!core/|errors/)', message: INDEPENDENT_VERIFY },
          ],
        },
      ],
    },
  },
  {
    files: ['src/page/client/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ':matches(Identifier, JSXIdentifier)[name=/^(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML)$/]',
          message: 'Ids and texts come from records, so the page writes text nodes only.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'loadtest/k6/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
)
