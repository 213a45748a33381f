// Generated node-tests/fixtures/hive-0.1.0.json.gz with the sources of 0.1.0: hives as that version left them. Every
// later version must be able to open them. Do not run it again to replace that file. A later format gets its own
// fixture:
//
//   node scripts/make-hive-fixture.mjs hive-VERSION
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  FIXTURE_BLOCK_SIZE,
  FULL_ENTRIES,
  KILLED_ENTRIES,
  packHive,
  USER_ROW,
  writeFixture,
} from '../node-tests/support/hive-fixture.ts'
import { directoryBackend } from '../src/backends/directory.ts'
import { collect } from '../src/bytes/collect.ts'
import { LocalHive } from '../src/hive.ts'
import { StreamStore } from '../src/store.ts'

const name = process.argv[2]
if (name === undefined) throw new Error('pass a name for the fixture, such as hive-0.2.0')

const root = await mkdtemp(join(tmpdir(), 'combstream-'))
/** @type {Record<string, Record<string, string>>} */
const hives = {}
/** @type {Record<string, import('../node-tests/support/hive-fixture.ts').ListedEntry[]>} */
const listed = {}
try {
  await make('full', async (hive, store) => {
    for (const entry of FULL_ENTRIES) await put(hive, entry)
    const sink = store.sink({ reference: USER_ROW.reference })
    await new Blob([USER_ROW.stream]).stream().pipeTo(sink)
    await store.transaction(async (tx) => tx.set(USER_ROW.key, USER_ROW.value))
  })
  await make('emptied', async (hive) => {
    await put(hive, { alias: 'gone', bytes: new Uint8Array(10) })
    await hive.remove('gone')
  })
  await make('empty', () => Promise.resolve())
  // The state that a killed process leaves: the commits are only in the log.
  await make(
    'killed',
    async (hive) => {
      for (const entry of KILLED_ENTRIES) await put(hive, entry)
    },
    true,
  )
  await make('killed empty', () => Promise.resolve(), true)
  await writeFixture(name, { hives, listed })
} finally {
  await rm(root, { recursive: true })
}

/**
 * @param {string} kind
 * @param {(hive: LocalHive, store: StreamStore) => Promise<void>} fill
 * @param {boolean} killed whether to copy the files while the hive is open
 */
async function make(kind, fill, killed = false) {
  const directory = join(root, kind)
  const store = new StreamStore(await directoryBackend(directory), { blockSize: FIXTURE_BLOCK_SIZE })
  const hive = new LocalHive(store)
  await fill(hive, store)
  listed[kind] = (await hive.list()).entries.map((entry) => ({ ...entry, modified: entry.modified.toISOString() }))
  if (killed) hives[kind] = await packHive(directory)
  await store.close()
  if (!killed) hives[kind] = await packHive(directory)
}

/**
 * @param {LocalHive} hive
 * @param {import('../node-tests/support/hive-fixture.ts').FixtureEntry} entry
 */
async function put(hive, { alias, bytes, type, signed }) {
  await new Blob([bytes]).stream().pipeTo(hive.sink(alias, { type }))
  if (signed) await collect((await hive.open(alias)).signature())
}
