import type { Scenario } from '../scenario.ts'
import { COLLECTOR, clock, marker, remover, unmarker, writer } from './cast.ts'

/** Streams without blocks, which are stored in one commit. */
export const AT_ONCE = {
  'at once: lost answer': {
    faults: 2,
    kinds: ['applied', 'dropped', 'late'],
    unmarks: ['r1'],
    actors: [writer('1', '', { ref: 'r1', atOnce: 1 }), unmarker('1', 'r1'), COLLECTOR, COLLECTOR],
  },
  'at once: given up': {
    faults: 2,
    kinds: ['applied', 'dropped', 'late'],
    actors: [writer('1', '', { ref: 'r1', atOnce: 1, givesUp: 1 }), COLLECTOR, COLLECTOR],
  },
  'at once: twins': {
    faults: 1,
    kinds: ['applied', 'dropped', 'late'],
    actors: [writer('1', '', { ref: 'r1', atOnce: 1 }), writer('2', '', { ref: 'r2', atOnce: 1 }), COLLECTOR],
  },
  'at once: entry': {
    faults: 1,
    kinds: ['applied', 'dropped', 'late'],
    actors: [writer('1', '', { alias: 'x', atOnce: 1 }), remover('x'), COLLECTOR, COLLECTOR],
  },
  'at once: entry, two writers': {
    faults: 1,
    kinds: ['applied', 'dropped', 'late'],
    actors: [writer('1', '', { alias: 'x', atOnce: 1 }), writer('2', 'B', { alias: 'x' }), COLLECTOR],
  },
  'at once: If-Match': {
    oneWins: 1,
    faults: 1,
    kinds: ['applied', 'late'],
    streams: [{ id: '0', text: 'A', alias: 'x' }],
    actors: [
      writer('1', '', { alias: 'x', ifMatch: 'A', atOnce: 1 }),
      writer('2', '', { alias: 'x', ifMatch: 'A', atOnce: 1 }),
      COLLECTOR,
    ],
  },
  'at once: hit': {
    streams: [{ id: '0', text: '', refs: ['r0'] }],
    actors: [unmarker('0', 'r0'), writer('1', '', { ref: 'r1', atOnce: 1 }), COLLECTOR, COLLECTOR],
  },
  'at once: expiring reference': {
    actors: [writer('1', '', { ref: 'r1', refExpires: 1, atOnce: 1 }), clock('r1'), COLLECTOR, COLLECTOR],
  },
  'at once: then mark': {
    actors: [writer('1', '', { atOnce: 1 }), marker({ text: '', ref: 'r1' }), COLLECTOR, COLLECTOR],
  },
  'at once: back again': {
    streams: [{ id: '0', text: '', alias: 'x' }],
    actors: [writer('1', 'B', { alias: 'x' }), writer('2', '', { alias: 'x', atOnce: 1 }), COLLECTOR],
  },
  'at once: none': {
    nothingDies: 1,
    actors: [writer('1', '', { ref: 'r1', atOnce: 1 }), writer('2', 'B', { ref: 'r2' }), COLLECTOR],
  },
} as const satisfies Readonly<Record<string, Scenario>>
