import { afterEach, describe, expect, it, vi } from 'vitest'
import { backOffMs } from '../../src/http/client/back-off.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('backOffMs', () => {
  it('is any time up to a bound, which doubles with each failure in a row, up to ten seconds', () => {
    const random = vi.spyOn(Math, 'random')
    for (const [failures, boundMs] of [
      [1, 100],
      [2, 200],
      [3, 400],
      [7, 6_400],
      [8, 10_000],
      [2_000, 10_000],
    ] as const) {
      for (const share of [0, 0.25, 0.75]) {
        random.mockReturnValue(share)
        expect(backOffMs(failures, null), `${failures} failures`).toBe(share * boundMs)
      }
    }
  })

  it('is never less than what the server asks for, unless that is more than a minute', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    expect(backOffMs(1, '3')).toBe(3_000)
    expect(backOffMs(8, '3')).toBe(5_000)
    expect(backOffMs(1, '60')).toBe(60_000)
    for (const tooLong of ['61', '9'.repeat(400)]) expect(backOffMs(1, tooLong)).toBe(undefined)
    vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(2026, 10, 27, 12))
    expect(backOffMs(1, 'Fri, 27 Nov 2026 12:00:30 GMT')).toBe(30_000)
    expect(backOffMs(1, 'Fri, 27 Nov 2026 12:02:00 GMT')).toBe(undefined)
    for (const past of ['Fri, 27 Nov 2026 11:00:00 GMT', '-5', 'soon', '']) expect(backOffMs(1, past)).toBe(50)
  })
})
