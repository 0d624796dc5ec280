import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';

const domain = ['video', 'datasets', 'teachers', 'policy', 'training', 'evaluation'];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'test/fixtures/**', '.hindsight/**', '**/*.mjs', '**/*.cjs'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      'import-x/no-cycle': 'error',
      'no-console': 'error',
    },
  },
  {
    // Domain rooms know nothing of Temporal or S3 (DESIGN: small rooms).
    files: domain.map((d) => `${d}/**/*.ts`),
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['@temporalio/*', '@aws-sdk/*'],
              message: 'Domain folders know nothing of Temporal or S3.',
            },
            {
              group: [
                '../workflows/*',
                '../activities/*',
                '../workers/*',
                '../artifacts/*',
                '../cli/*',
                '../stack/*',
              ],
              message: 'Domain folders import core, config and other domain folders only.',
            },
          ],
        },
      ],
    },
  },
  {
    // Workflow code is replayed: no Node built-ins, no zod at run time, nothing of ours but types and pure code.
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['node:*', 'fs', 'path', 'crypto', 'os', 'child_process'],
              message: 'No Node built-ins in workflow code.',
            },
            {
              group: ['zod', '@aws-sdk/*', '@tensorflow/*'],
              message: 'Types only in workflow code.',
              allowTypeImports: true,
            },
            {
              group: ['../activities/*', '../artifacts/*', '../config/*', '../training/*', '../policy/*'],
              message: 'Workflows import types only.',
              allowTypeImports: true,
            },
          ],
        },
      ],
    },
  },
  // The Temporal SDK loads these with `require`.
  {
    files: ['**/*.cts'],
    rules: { '@typescript-eslint/no-require-imports': ['error', { allowAsImport: true }] },
  },
  { files: ['cli/**/*.ts', 'bench/**/*.ts', 'workers/bundle-workflows.ts'], rules: { 'no-console': 'off' } },
);
