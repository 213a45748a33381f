import type { Scenario } from '../scenario.ts'
import {
  AB_IN_X,
  A_IN_X,
  A_MARKED,
  COLLECTOR,
  REAPER,
  SCRUB,
  TRASHER,
  clock,
  marker,
  reader,
  remover,
  unmarker,
  writer,
} from './cast.ts'

export const LIFE_CYCLE = {
  'alias: hit on the old one': {
    faults: 1,
    streams: [A_IN_X],
    actors: [writer('1', 'B', { alias: 'x' }), writer('2', 'A', { alias: 'x' }), COLLECTOR],
  },
  'alias: twins': {
    streams: [A_IN_X],
    actors: [writer('1', 'B', { alias: 'x' }), writer('2', 'B', { alias: 'x' }), COLLECTOR],
  },
  'alias: If-Match, remove': {
    oneWins: 1,
    faults: 1,
    streams: [A_IN_X],
    actors: [
      writer('1', 'B', { alias: 'x', ifMatch: 'A' }),
      writer('2', '', { alias: 'x', ifMatch: 'A' }),
      remover('x'),
      COLLECTOR,
    ],
  },
  'alias: readers': {
    streams: [AB_IN_X],
    actors: [
      writer('1', '', { alias: 'x' }),
      reader({ alias: 'x' }),
      reader({ alias: 'x', pin: 'reference' }),
      COLLECTOR,
      TRASHER,
    ],
  },
  candidates: {
    streams: [A_MARKED],
    unmarks: ['r1'],
    actors: [unmarker('0', 'r0'), marker({ text: 'A', ref: 'r1' }), unmarker('0', 'r1'), COLLECTOR, COLLECTOR],
  },
  'candidates: pin': {
    streams: [A_MARKED],
    actors: [unmarker('0', 'r0'), marker({ id: '0', ref: 'p', expiry: 1 }), clock('p'), COLLECTOR, COLLECTOR],
  },
  'candidates: none': {
    nothingDies: 1,
    streams: [A_IN_X],
    actors: [writer('1', 'A', { alias: 'x' }), writer('2', 'B', { ref: 'r1' }), writer('3', 'B', { ref: 'r2' })],
  },
  'candidates: store and unmark': {
    unmarks: ['r1'],
    actors: [writer('1', 'A', { ref: 'r1' }), unmarker('1', 'r1'), COLLECTOR, COLLECTOR],
  },
  'candidates: late store and unmark': {
    faults: 1,
    kinds: ['late', 'applied'],
    unmarks: ['r1'],
    actors: [writer('1', 'A', { ref: 'r1' }), unmarker('1', 'r1'), COLLECTOR, REAPER],
  },
  'candidates: store, then mark': {
    actors: [writer('1', 'A'), marker({ text: 'A', ref: 'r1' }), COLLECTOR, COLLECTOR],
  },
  'candidates: hit without a reference': {
    streams: [A_MARKED],
    actors: [unmarker('0', 'r0'), writer('1', 'A'), marker({ text: 'A', ref: 'r1' }), COLLECTOR],
  },
  'candidates: hit': {
    streams: [{ id: '0', text: 'A', refs: ['r0'], pins: ['p'] }],
    actors: [writer('1', 'A', { ref: 'r1' }), unmarker('0', 'r0'), clock('p'), COLLECTOR],
  },
  'candidates: expiring reference': {
    faults: 1,
    actors: [writer('1', 'A', { ref: 'p', refExpires: 1 }), clock('p'), COLLECTOR, REAPER],
  },
  'candidates: hit, expiring reference': {
    faults: 1,
    streams: [A_MARKED],
    actors: [writer('1', 'A', { ref: 'p', refExpires: 1 }), unmarker('0', 'r0'), clock('p'), COLLECTOR],
  },
  'candidates: update, remove': {
    streams: [A_IN_X],
    actors: [writer('1', 'B', { alias: 'x' }), remover('x'), COLLECTOR],
  },
  'removal: duplicate': {
    streams: [A_MARKED],
    actors: [unmarker('0', 'r0'), writer('1', 'A', { ref: 'r1' }), COLLECTOR, SCRUB, TRASHER],
  },
  'removal: abort': {
    actors: [writer('1', 'AB', { ref: 'r1', abortAt: 1 }), COLLECTOR, REAPER, SCRUB, TRASHER],
  },
  'removal: upload marked': {
    actors: [writer('1', 'AB', { ref: 'r1' }), marker({ id: '1', ref: 'r2' }), COLLECTOR, REAPER],
  },
  'pages: pages and readers': {
    streams: [{ id: '0', text: 'AB', refs: ['r0'] }],
    actors: [
      unmarker('0', 'r0'),
      reader({ id: '0' }),
      reader({ id: '0', pin: 'reference' }),
      COLLECTOR,
      COLLECTOR,
      TRASHER,
    ],
  },
  'pages: readers in grace': {
    inGrace: 1,
    streams: [{ id: '0', text: 'ABC', refs: ['r0'] }],
    actors: [unmarker('0', 'r0'), reader({ id: '0' }), COLLECTOR, COLLECTOR],
  },
  'expiry: renewal': {
    streams: [{ id: '0', text: 'A', refs: ['p'], expiry: 1 }],
    actors: [clock('p'), marker({ id: '0', ref: 'p', expiry: 1 }), clock('p'), COLLECTOR, COLLECTOR],
  },
  'expiry: pruning': {
    streams: [{ id: '0', text: 'A', refs: ['r0'], pins: ['p'] }],
    actors: [clock('p'), marker({ id: '0', ref: 'p' }), unmarker('0', 'r0'), COLLECTOR, COLLECTOR],
  },
  'expiry: downgraded': {
    streams: [{ id: '0', text: 'A', refs: ['r0'] }],
    actors: [marker({ id: '0', ref: 'r0', expiry: 1 }), clock('r0'), COLLECTOR, COLLECTOR],
  },
} as const satisfies Readonly<Record<string, Scenario>>
