import type { Scenario } from '../scenario.ts'
import { A_IN_X, A_MARKED, COLLECTOR, REAPER, SCRUB, TRASHER, marker, remover, unmarker, writer } from './cast.ts'

export const UNKNOWN_OUTCOMES = {
  'lost answer: new stream': {
    faults: 2,
    actors: [writer('1', 'A', { ref: 'r1' }), COLLECTOR, REAPER],
  },
  'lost answer: duplicate': {
    faults: 1,
    streams: [A_MARKED],
    actors: [unmarker('0', 'r0'), writer('1', 'A', { ref: 'r1' }), COLLECTOR],
  },
  'lost answer: alias': {
    faults: 1,
    streams: [A_IN_X],
    actors: [writer('1', 'B', { alias: 'x' }), writer('2', '', { alias: 'x' }), COLLECTOR],
  },
  'lost answer: abort': {
    faults: 1,
    actors: [writer('1', 'A', { ref: 'r1', abortAt: 1 }), COLLECTOR, REAPER, SCRUB, TRASHER],
  },
  'late: two writers': {
    faults: 1,
    kinds: ['late'],
    actors: [writer('1', 'A', { ref: 'r1' }), writer('2', 'A', { ref: 'r2' }), COLLECTOR],
  },
  'late: reaper': {
    faults: 1,
    kinds: ['late'],
    actors: [writer('1', 'A', { ref: 'r1' }), COLLECTOR, REAPER, SCRUB, TRASHER],
  },
  'late: dedup': {
    exact: 1,
    faults: 1,
    kinds: ['late'],
    sharesBlocks: 1,
    streams: [{ id: '0', text: 'A' }],
    actors: [writer('1', 'AB', { ref: 'r1' }), COLLECTOR, TRASHER],
  },
  'late: alias': {
    faults: 1,
    kinds: ['late', 'applied'],
    streams: [A_IN_X],
    actors: [writer('1', '', { alias: 'x' }), writer('2', 'A', { alias: 'x' }), remover('x'), COLLECTOR],
  },
  'late: mark given up': {
    faults: 1,
    kinds: ['late', 'applied'],
    streams: [A_MARKED],
    actors: [marker({ id: '0', ref: 'r1', giveUp: 1, last: 'unmark' }), COLLECTOR],
  },
  'late: mark, unmark': {
    faults: 1,
    kinds: ['late', 'applied'],
    streams: [A_MARKED],
    actors: [marker({ id: '0', ref: 'r1', last: 'unmark' }), COLLECTOR],
  },
  'late: unmark, mark': {
    faults: 1,
    kinds: ['late', 'applied'],
    streams: [{ id: '0', text: 'A', refs: ['r1'] }],
    actors: [marker({ id: '0', ref: 'r1', first: 'unmark' }), COLLECTOR],
  },
  'groups: lost answer': {
    faults: 1,
    actors: [writer('1', 'ABC', { ref: 'r1', group: 2 }), COLLECTOR, REAPER],
  },
  'groups: scrub': {
    actors: [writer('1', 'ABC', { ref: 'r1', group: 2 }), COLLECTOR, SCRUB, TRASHER],
  },
} as const satisfies Readonly<Record<string, Scenario>>
