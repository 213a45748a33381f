// Short names for the actors and streams of most scenarios.
import type { ActorSpec } from '../actors.ts'
import type { AdversaryParams } from '../actors/adversary.ts'
import type { MarkerParams } from '../actors/marker.ts'
import type { ReaderParams } from '../actors/reader.ts'
import type { WriterParams } from '../actors/writer-view.ts'
import type { Damage, Expiry } from '../rows.ts'
import type { StoredStream } from '../scenario.ts'

export const A_MARKED: StoredStream = { id: '0', text: 'A', refs: ['r0'] }
export const A_IN_X: StoredStream = { id: '0', text: 'A', alias: 'x' }
export const AB_IN_X: StoredStream = { id: '0', text: 'AB', alias: 'x' }

export const COLLECTOR: ActorSpec = { kind: 'collector', params: {} }
export const TRASHER: ActorSpec = { kind: 'trasher', params: {} }
export const REAPER: ActorSpec = { kind: 'reaper', params: {} }
export const SCRUB: ActorSpec = { kind: 'scrub', params: {} }
export const SWEEPER: ActorSpec = { kind: 'sweeper', params: {} }
/** Cancels the upload 1. */
export const CANCEL: ActorSpec = { kind: 'canceller', params: { id: '1' } }

export function writer(id: string, text: string, options: Partial<WriterParams> = {}): ActorSpec {
  return { kind: 'writer', params: { id, text, ...options } }
}

/** A request to the upload 1, which writes to the alias x. */
export function request(text: string, options: Partial<WriterParams> = {}): ActorSpec {
  return writer('1', text, { alias: 'x', upload: 1, ...options })
}

export function marker(params: MarkerParams): ActorSpec {
  return { kind: 'marker', params }
}

export function unmarker(id: string, ref: string): ActorSpec {
  return { kind: 'unmarker', params: { id, ref } }
}

export function reader(params: ReaderParams): ActorSpec {
  return { kind: 'reader', params }
}

export function remover(alias: string): ActorSpec {
  return { kind: 'remover', params: { alias } }
}

export function renewer(alias: string, expiry: Expiry): ActorSpec {
  return { kind: 'renewer', params: { alias, expiry } }
}

export function clock(ref: string): ActorSpec {
  return { kind: 'clock', params: { ref } }
}

export function adversary(text: string, damage: Damage, blockIndex = 0): ActorSpec {
  const params: AdversaryParams = { text, damage, blockIndex }
  return { kind: 'adversary', params }
}
