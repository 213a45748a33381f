import {
  type Actor,
  collector,
  entry,
  GRACE,
  marker,
  ORPHAN,
  reader,
  type Scenario,
  unmarker,
  writer,
} from './store-scenarios.ts'
import { text } from './store-tools.ts'

/**
 * Repairs everything that it finds. `strays`: whether writers may have left an object that no row names. `damage`:
 * whether the store is damaged.
 */
function scrubber({ strays = false, damage = false } = {}): Actor {
  return {
    async run(store, told) {
      const { orphans, damaged, problems } = await store.scrub({ repair: true, force: true })
      if (!strays && orphans.names.some((name) => name !== ORPHAN))
        told.wrong.push(`a scrub found ${orphans.names.join()}`)
      for (const problem of problems) told.wrong.push(`a scrub met ${problem.message}`)
      if (damage) return
      for (const { error } of damaged.list) told.wrong.push(`a scrub found ${error.message}`)
    },
  }
}

/** Aborts an upload after some of its blocks are stored. */
function aborter(content: string): Actor {
  return {
    async run(store) {
      const sink = store.sink({ reference: text('given up') })
      const upload = sink.getWriter()
      await upload.write(text(content))
      await upload.abort(new Error('given up'))
      await sink.stored.catch(() => undefined)
    },
  }
}

/** Removes the last reference of a stream, and collects it. */
function dropper(graceMs: number): Actor {
  return {
    hasty: true,
    async run(store, told) {
      await unmarker('r0').run(store, told)
      await collector(graceMs).run(store, told)
    },
  }
}

/** Scenarios in which small stores are scrubbed. */
export const SCRUBBING: readonly Scenario[] = [
  {
    name: 'writers who heal, and a collector',
    has: 'ab',
    damage: 'lost',
    orphan: true,
    actors: [writer('ab', 'r1'), writer('ab', 'r2'), scrubber({ strays: true, damage: true }), collector()],
  },
  { name: 'a writer of several groups', orphan: true, actors: [writer('abcdefghijk', 'r1'), scrubber()] },
  { name: 'twins', orphan: true, actors: [writer('ab', 'r1'), writer('ab', 'r2'), scrubber()] },
  { name: 'an upload that is given up', orphan: true, actors: [aborter('abcdefghi'), scrubber()] },
  {
    name: 'a reader and a collector',
    has: 'ab',
    orphan: true,
    actors: [unmarker('r0'), collector(), scrubber(), reader('ab', false)],
  },
  {
    name: 'a stream that is collected, marked and stored again',
    has: 'ab',
    orphan: true,
    actors: [unmarker('r0'), collector(), marker('ab', 'r1'), writer('ab', 'r2'), scrubber({ strays: true })],
  },
  {
    name: 'an upload whose lease has ended',
    orphan: true,
    actors: [writer('abcde', 'r1'), collector(), scrubber({ strays: true })],
  },
  {
    name: 'an entry that changes, and another scrub',
    has: 'ab',
    orphan: true,
    actors: [entry('cd'), entry('ab'), scrubber(), scrubber()],
  },
]

/** Scenarios of two actors, the second of which is a scrub. */
export const SCRUB_PAIRS: readonly Scenario[] = [
  {
    name: 'a writer who heals',
    has: 'ab',
    damage: 'flipped',
    orphan: true,
    actors: [writer('ab', 'r1'), scrubber({ damage: true })],
  },
  { name: 'a writer', orphan: true, actors: [writer('a', 'r1'), scrubber()] },
  { name: 'a writer of content that is there', has: 'ab', orphan: true, actors: [writer('ab', 'r1'), scrubber()] },
  { name: 'a collector that keeps nothing', has: 'ab', orphan: true, actors: [dropper(0), scrubber()] },
  { name: 'a collector that keeps pages', has: 'ab', orphan: true, actors: [dropper(GRACE), scrubber()] },
]
