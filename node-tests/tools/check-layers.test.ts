import { describe, expect, test } from 'vitest'
import { checkLayers } from '../../scripts/check-layers.mjs'

const SOUND = {
  'src/errors.ts': 'export class ConflictError extends Error {}',
  'src/bytes/byte-range.ts': "import { ConflictError } from '../errors.ts'\nexport const a = ConflictError",
  'src/rsync/weak-sum.ts': "import 'hash-wasm'\nexport const weak = 1",
  'src/store/backend.ts': 'export interface Backend { close(): void }',
  'src/backends/directory.ts': [
    "import type { Backend } from '../store/backend.ts'",
    "import { open } from 'node:fs/promises'",
    "export { rows } from './directory/rows.ts'",
    'export const backend = (): Backend => ({ close: () => void open })',
  ].join('\n'),
  'src/backends/directory/rows.ts': "import 'node:sqlite'\nexport const rows = 1",
  'src/platform/create-thread.ts': "import 'node:worker_threads'\nexport const thread = 1",
  'src/platform.ts': "export { thread } from './platform/create-thread.ts'",
  'src/hive/entry.ts':
    "import { a } from '../bytes/byte-range.ts'\nexport const entry = [a, import('../rsync/weak-sum.ts')]",
  'src/http/protocol/range.ts': 'export const range = 1',
  'src/http/client/read.ts': "import { range } from '../protocol/range.ts'\nexport const read = range",
  'src/http/server/answer.ts': "import { range } from '../protocol/range.ts'\nexport const answer = range",
  'src/cli/main.ts':
    "import { Command } from 'commander'\nimport { entry } from '../hive/entry.ts'\nnew Command(String(entry))",
  'src/polyfill.ts': "import * as streams from 'web-streams-polyfill'\nvoid streams",
  'src/index.ts': "export { entry } from './hive/entry.ts'\nexport * from './hive.ts'",
  'src/hive.ts': "export { entry } from './hive/entry.ts'",
}

function problemsWith(planted: Record<string, string>): string[] {
  return checkLayers(new Map(Object.entries({ ...SOUND, ...planted })))
}

test('a valid tree has no problems', () => {
  expect(problemsWith({})).toEqual([])
})

describe('each rule finds the violation planted for it', () => {
  test.each<[rule: string, path: string, text: string, message: RegExp]>([
    [
      'a higher floor',
      'src/bytes/x.ts',
      "import { entry } from '../hive/entry.ts'\nentry",
      /bytes \(floor 1\).*hive \(floor 3\)/,
    ],
    ['a type from a higher floor', 'src/bytes/x.ts', "import type { entry } from '../hive/entry.ts'", /floor 3/],
    ['an inline type from a higher floor', 'src/bytes/x.ts', "export type T = import('../hive/entry.ts').T", /floor 3/],
    ['a dynamic import of a higher floor', 'src/bytes/x.ts', "await import('../hive/entry.ts')", /floor 3/],
    ['a side-effect import of a higher floor', 'src/bytes/x.ts', "import '../hive/entry.ts'", /floor 3/],
    [
      'the neighbour on the same floor',
      'src/store/x.ts',
      "import '../rsync/weak-sum.ts'",
      /store \(floor 2\).*rsync \(floor 2\)/,
    ],
    [
      'the client in the server',
      'src/http/server/x.ts',
      "import '../client/read.ts'",
      /http\/server may not use http\/client/,
    ],
    ['the server in the client', 'src/http/client/x.ts', "import '../server/answer.ts'", /http\/client may not use/],
    ['a type of the server', 'src/http/client/x.ts', "import type { A } from '../server/answer.ts'", /may not use/],
    [
      'the client in the protocol',
      'src/http/protocol/x.ts',
      "import '../client/read.ts'",
      /http\/protocol may not use/,
    ],
    [
      'a file in no room',
      'src/http/x.ts',
      "import './client/read.ts'",
      /not in a room of src\/http: client, server, protocol/,
    ],
    ['an entry point used from inside', 'src/cli/x.ts', "import '../index.ts'", /floor 7/],
    ['a computed import', 'src/bytes/x.ts', 'export const load = (name: string) => import(name)', /computed/],
    [
      'a value from store in a backend',
      'src/backends/memory.ts',
      "import { Backend } from '../store/backend.ts'\nBackend",
      /only types/,
    ],
    [
      'an inline type keeps its module',
      'src/backends/memory.ts',
      "import { type Backend } from '../store/backend.ts'",
      /only types/,
    ],
    ['node: in web code', 'src/store/x.ts', "import 'node:fs'", /node:fs: only/],
    ['node: in an entry point', 'src/platform.ts', "import 'node:fs'", /node:fs: only/],
    [
      'what pages do not have in a backend',
      'src/backends/directory/x.ts',
      "import '../../platform/create-thread.ts'",
      /backends \(floor 3\).*platform \(floor 3\)/,
    ],
    ['node: in another backend', 'src/backends/memory.ts', "import 'node:fs'", /node:fs: only/],
    [
      'node: in a file named like the directory backend',
      'src/backends/directory-x.ts',
      "import 'node:fs'",
      /node:fs: only/,
    ],
    ['a foreign package', 'src/rsync/x.ts', "import 'fflate'", /package fflate/],
    ['a subpath of a foreign package', 'src/hive/x.ts', "import '@scope/name/part'", /package @scope\/name\/part/],
    ["a module of Node's without node:", 'src/bytes/x.ts', "import 'fs'", /package fs/],
    ['require', 'src/cli/x.cts.ts', "require('left-pad')", /package left-pad/],
    ['import = require', 'src/cli/x.ts', "import pad = require('left-pad')\npad", /package left-pad/],
    ['a missing .ts', 'src/bytes/x.ts', "import './byte-range.js'", /end in \.ts/],
    ['a path out of src', 'src/bytes/x.ts', "import '../../scripts/run.ts'", /outside src/],
    ['a folder without a row', 'src/utils/x.ts', "import '../errors.ts'", /src\/utils has no row/],
    ['an import of a folder without a row', 'src/bytes/x.ts', "import '../utils/x.ts'", /src\/utils has no row/],
    ['a re-export', 'src/hive/x.ts', "export { entry } from './entry.ts'", /re-exports/],
    ['a re-export of everything', 'src/hive/x.ts', "export * from './entry.ts'", /re-exports/],
    ['a re-export of a type', 'src/hive/x.ts', "export type { entry } from './entry.ts'", /re-exports/],
    ['a re-export in two steps', 'src/hive/x.ts', "export { entry }\nimport { entry } from './entry.ts'", /re-exports/],
    ['a reference directive', 'src/bytes/x.ts', '/// <reference types="node" />', /reference directive/],
    ['a file that does not parse', 'src/bytes/x.ts', 'const =', /src\/bytes\/x\.ts: /],
  ])('%s', (_rule, path, text, message) => {
    const problems = problemsWith({ [path]: text })
    expect(problems).toContainEqual(expect.stringMatching(message))
    expect(problems).toContainEqual(expect.stringContaining(path))
  })

  test('files that import each other, directly and through a third', () => {
    expect(
      problemsWith({
        'src/bytes/x.ts': "import './y.ts'",
        'src/bytes/y.ts': "import type { X } from './x.ts'",
      }),
    ).toEqual(['files import each other: src/bytes/x.ts → src/bytes/y.ts → src/bytes/x.ts'])
    expect(
      problemsWith({
        'src/bytes/x.ts': "import './y.ts'",
        'src/bytes/y.ts': "import './z.ts'",
        'src/bytes/z.ts': "import './x.ts'",
      }),
    ).toHaveLength(1)
  })
})
