import type { Scenario } from '../scenario.ts'
import {
  A_IN_X,
  A_MARKED,
  CANCEL,
  COLLECTOR,
  REAPER,
  SCRUB,
  SWEEPER,
  TRASHER,
  adversary,
  request,
  writer,
} from './cast.ts'

export const UPLOADS = {
  'resume: late, resume': {
    faults: 1,
    kinds: ['late'],
    actors: [writer('1', 'AB', { ref: 'r1' }), writer('1', 'AB', { ref: 'r2', take: 1 }), COLLECTOR],
  },
  'resume: lost answer': {
    faults: 1,
    actors: [writer('1', 'AB', { ref: 'r1' }), writer('1', 'AB', { ref: 'r2', take: 1 }), COLLECTOR, REAPER],
  },
  'resume: tail': {
    actors: [
      writer('1', 'AB', { ref: 'r1', tailAt: 1, suspend: 1 }),
      writer('1', 'AB', { ref: 'r2', take: 1 }),
      REAPER,
      SCRUB,
      TRASHER,
    ],
  },
  'resume: tail, no zombie': {
    exact: 1,
    actors: [
      writer('1', 'AB', { ref: 'r1', tailAt: 1, suspend: 1 }),
      writer('1', 'AB', { ref: 'r2', take: 1 }),
      COLLECTOR,
    ],
  },
  'resume: abort': {
    actors: [
      writer('1', 'AB', { ref: 'r1', abortAt: 1 }),
      writer('1', 'AB', { ref: 'r2', take: 1 }),
      COLLECTOR,
      REAPER,
    ],
  },
  'upload: take-over': {
    uploads: ['1'],
    clocksDiffer: 1,
    actors: [request('AB'), request('AC'), COLLECTOR, SWEEPER],
  },
  'upload: take-over, hit': {
    uploads: ['1'],
    remembers: 1,
    streams: [A_MARKED],
    actors: [request('A'), request('A'), COLLECTOR],
  },
  'upload: head': {
    uploads: ['1'],
    actors: [request('AB'), request('AC', { head: 1 }), COLLECTOR],
  },
  'upload: cancel': {
    uploads: ['1'],
    clocksDiffer: 1,
    actors: [request('A'), CANCEL, request('B'), COLLECTOR, SWEEPER],
  },
  'upload: tail': {
    uploads: ['1'],
    exact: 1,
    actors: [request('A', { tailAt: 0, suspend: 1 }), request('B', { tailAt: 0, suspend: 1 }), request('C'), COLLECTOR],
  },
  'upload: lost answer': {
    uploads: ['1'],
    faults: 1,
    kinds: ['applied', 'dropped'],
    actors: [request('A'), request('A'), COLLECTOR],
  },
  'upload: create, late': {
    faults: 1,
    kinds: ['late', 'applied'],
    exact: 1,
    clocksDiffer: 1,
    actors: [request('A', { create: 1 }), request('A', { id: '1+', waits: 1 }), COLLECTOR, SWEEPER],
  },
  'upload: late': {
    uploads: ['1'],
    faults: 1,
    kinds: ['late'],
    actors: [request('A'), request('A', { head: 1 }), CANCEL, REAPER],
  },
  'upload: If-Match': {
    uploads: ['1'],
    streams: [A_IN_X],
    oneWins: 1,
    remembers: 1,
    actors: [
      request('B', { ifMatch: 'A' }),
      writer('2', '', { alias: 'x', ifMatch: 'A' }),
      request('B', { ifMatch: 'A' }),
      COLLECTOR,
    ],
  },
  'upload: heal': {
    damage: 1,
    uploads: ['1'],
    streams: [A_MARKED],
    actors: [adversary('A', 'lost'), request('A'), request('A'), COLLECTOR],
  },
} as const satisfies Readonly<Record<string, Scenario>>
