import { describe, expect, it } from 'vitest'
import { onAbort } from '../../src/bytes/on-abort.ts'

/** Counts the listeners that a signal has. */
function counted(signal: AbortSignal): { readonly signal: AbortSignal; readonly listeners: () => number } {
  const listeners = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (type: string, listener: EventListener): void => {
    listeners.add(listener)
    add(type, listener)
  }
  signal.removeEventListener = (type: string, listener: EventListener): void => {
    listeners.delete(listener)
    remove(type, listener)
  }
  return { signal, listeners: () => listeners.size }
}

describe('onAbort', () => {
  it('acts once, with the reason of the signal that aborts first', () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const reasons: unknown[] = []
    onAbort([first.signal, undefined, second.signal], (reason) => reasons.push(reason))
    expect(reasons).toEqual([])
    second.abort('second')
    first.abort('first')
    expect(reasons).toEqual(['second'])
  })

  it('acts at once if a signal has aborted already, and listens to none', () => {
    const { signal, listeners } = counted(new AbortController().signal)
    const reasons: unknown[] = []
    onAbort([signal, AbortSignal.abort('before')], (reason) => reasons.push(reason))
    expect(reasons).toEqual(['before'])
    expect(listeners()).toBe(0)
  })

  it('leaves no listener behind after an abort, or once it is stopped', () => {
    const controller = new AbortController()
    const long = counted(new AbortController().signal)
    const reasons: unknown[] = []
    onAbort([controller.signal, long.signal], (reason) => reasons.push(reason))
    const stop = onAbort([controller.signal, long.signal], (reason) => reasons.push(reason))
    expect(long.listeners()).toBe(2)
    stop()
    controller.abort('gone')
    expect(reasons).toEqual(['gone'])
    expect(long.listeners()).toBe(0)
  })
})
