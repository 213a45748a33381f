import type { Scenario } from '../scenario.ts'
import { A_MARKED, COLLECTOR, REAPER, SCRUB, TRASHER, reader, unmarker, writer } from './cast.ts'

export const SHARED_BLOCKS = {
  'shared blocks: shared block': {
    sharesBlocks: 1,
    faults: 1,
    exact: 1,
    streams: [A_MARKED],
    actors: [unmarker('0', 'r0'), writer('1', 'AB', { ref: 'r1' }), COLLECTOR, TRASHER],
  },
  'shared blocks: two droppers': {
    sharesBlocks: 1,
    exact: 1,
    pageSize: 2,
    streams: [
      { id: '0', text: 'AB' },
      { id: '5', text: 'A' },
    ],
    actors: [COLLECTOR, COLLECTOR, writer('1', 'A', { ref: 'r1' })],
  },
  'shared blocks: two collectors': {
    sharesBlocks: 1,
    exact: 1,
    streams: [{ id: '0', text: 'A' }],
    actors: [COLLECTOR, COLLECTOR, writer('1', 'AB', { ref: 'r1' })],
  },
  'shared blocks: two writers': {
    sharesBlocks: 1,
    actors: [writer('1', 'A', { ref: 'r1', abortAt: 1 }), writer('2', 'AA', { ref: 'r2' }), COLLECTOR, TRASHER],
  },
  'shared blocks: reaper': {
    sharesBlocks: 1,
    actors: [writer('1', 'A', { ref: 'r1' }), writer('2', 'AB', { ref: 'r2' }), COLLECTOR, REAPER],
  },
  'shared blocks: scrub': {
    sharesBlocks: 1,
    streams: [{ id: '0', text: 'A' }],
    actors: [writer('1', 'AB', { ref: 'r1' }), COLLECTOR, SCRUB, TRASHER],
  },
  'shared blocks: readers in grace': {
    sharesBlocks: 1,
    exact: 1,
    inGrace: 1,
    streams: [{ id: '0', text: 'AB' }],
    actors: [writer('1', 'BC', { ref: 'r1', abortAt: 1 }), reader({ id: '0' }), COLLECTOR],
  },
} as const satisfies Readonly<Record<string, Scenario>>
