import { PERMANENT } from '../rows.ts'
import type { Scenario } from '../scenario.ts'
import { AB_IN_X, A_IN_X, COLLECTOR, SWEEPER, TRASHER, clock, reader, renewer, writer } from './cast.ts'

export const ENTRY_EXPIRY = {
  'pin: entry': {
    clocksDiffer: 1,
    streams: [AB_IN_X],
    actors: [
      writer('1', '', { alias: 'x' }),
      reader({ alias: 'x', pin: 'row', renew: 1 }),
      COLLECTOR,
      SWEEPER,
      TRASHER,
    ],
  },
  'pin: unreferenced': {
    clocksDiffer: 1,
    streams: [{ id: '0', text: 'AB' }],
    actors: [reader({ id: '0', pin: 'row', renew: 1 }), COLLECTOR, TRASHER, SWEEPER],
  },
  'entry expiry: update': {
    clocksDiffer: 1,
    keeps: 'x',
    streams: [{ id: '0', text: 'A', alias: 'x', expires: 1 }],
    actors: [SWEEPER, writer('1', 'B', { alias: 'x' }), renewer('x', PERMANENT), reader({ alias: 'x' }), COLLECTOR],
  },
  'entry expiry: late': {
    clocksDiffer: 1,
    keeps: 'x',
    faults: 1,
    kinds: ['applied', 'late'],
    streams: [{ id: '0', text: 'A', alias: 'x', expires: 1 }],
    actors: [SWEEPER, writer('1', 'B', { alias: 'x' }), renewer('x', PERMANENT), COLLECTOR],
  },
  'entry expiry: put if absent': {
    clocksDiffer: 1,
    streams: [{ id: '0', text: 'A', alias: 'x', expires: 1 }],
    actors: [
      SWEEPER,
      writer('1', 'A', { alias: 'x', ifMatch: null }),
      writer('2', '', { alias: 'x', ifMatch: null, expires: 1 }),
      COLLECTOR,
    ],
  },
  'entry expiry: renewal': {
    clocksDiffer: 1,
    keeps: 'x',
    streams: [{ id: '0', text: 'A', alias: 'x', expires: 1 }],
    actors: [SWEEPER, renewer('x', PERMANENT), reader({ alias: 'x', follow: 1 }), COLLECTOR, SWEEPER],
  },
  'back again: reader': {
    streams: [AB_IN_X],
    actors: [
      writer('1', '', { alias: 'x' }),
      writer('2', 'AB', { alias: 'x', ifMatch: '' }),
      reader({ alias: 'x', follow: 1 }),
      COLLECTOR,
      TRASHER,
    ],
  },
  'back again: pin': {
    streams: [A_IN_X],
    actors: [
      writer('1', '', { alias: 'x' }),
      writer('2', 'A', { alias: 'x', ifMatch: '' }),
      reader({ alias: 'x', pin: 'reference' }),
      clock('pin2'),
      COLLECTOR,
      TRASHER,
    ],
  },
} as const satisfies Readonly<Record<string, Scenario>>
