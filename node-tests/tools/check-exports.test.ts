import { expect, test } from 'vitest'
import { checkExports } from '../../scripts/check-exports.mjs'

const built = (name: string) => ({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` })

const project = {
  packageJson: {
    version: '1.2.3',
    exports: { '.': built('index'), './backends/memory': built('backends/memory') },
    dependencies: { 'hash-wasm': '4.13.0' },
  },
  jsrJson: {
    version: '1.2.3',
    exports: { '.': './src/index.ts', './backends/memory': './src/backends/memory.ts' },
    imports: { 'hash-wasm': 'npm:hash-wasm@4.13.0' },
  },
  files: [
    'src/index.ts',
    'src/errors.ts',
    'src/bytes/chunk-queue.ts',
    'src/backends/memory.ts',
    'src/backends/memory/rows.ts',
  ],
}

test('the same entry points, version and dependencies have no problems', () => {
  expect(checkExports(project)).toEqual([])
})

test('an entry point that neither file lists is reported for both', () => {
  expect(checkExports({ ...project, files: [...project.files, 'src/rsync.ts'] })).toEqual([
    expect.stringContaining('package.json: exports["./rsync"]'),
    expect.stringContaining('jsr.json: exports["./rsync"]'),
  ])
})

test('a script for browsers is an entry only of package.json', () => {
  const files = [...project.files, 'src/browser/page.ts']
  expect(checkExports({ ...project, files })).toEqual([
    expect.stringContaining('package.json: exports["./browser/page.js"] should be'),
  ])
  const npmExports = { ...project.packageJson.exports, './browser/page.js': built('browser/page') }
  const packageJson = { ...project.packageJson, exports: npmExports }
  expect(checkExports({ ...project, files, packageJson })).toEqual([])
  const jsrExports = { ...project.jsrJson.exports, './browser/page.js': './src/browser/page.ts' }
  expect(
    checkExports({ ...project, files, packageJson, jsrJson: { ...project.jsrJson, exports: jsrExports } }),
  ).toEqual(['jsr.json: exports["./browser/page.js"] has no source file'])
})

test('an entry without a source file is reported for both', () => {
  expect(checkExports({ ...project, files: ['src/index.ts'] })).toEqual([
    'package.json: exports["./backends/memory"] has no source file',
    'jsr.json: exports["./backends/memory"] has no source file',
  ])
})

test('an entry that points elsewhere is reported', () => {
  const exports = { ...project.packageJson.exports, '.': built('main') }
  expect(checkExports({ ...project, packageJson: { ...project.packageJson, exports } })).toEqual([
    expect.stringContaining('package.json: exports["."] should be'),
  ])
})

test('versions that differ are reported', () => {
  expect(checkExports({ ...project, jsrJson: { ...project.jsrJson, version: '1.2.4' } })).toEqual([
    'package.json has version 1.2.3, jsr.json 1.2.4',
  ])
  const dependencies = { 'hash-wasm': '4.12.0' }
  expect(checkExports({ ...project, packageJson: { ...project.packageJson, dependencies } })).toEqual([
    'jsr.json: imports["hash-wasm"] should be "npm:hash-wasm@4.12.0", not "npm:hash-wasm@4.13.0"',
  ])
})
