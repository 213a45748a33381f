import { expect, it } from 'vitest'
import type { BlockNames } from '../../src/cache/block-names.ts'
import { RecentNames } from '../../src/cache/recent-names.ts'
import { rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

it('RecentNames asks again after ten seconds, after a failure, and for the 17th version', async () => {
  const host = new VirtualHost()
  const recent = new RecentNames(host)
  let found = 0
  const find = (): Promise<BlockNames> => Promise.resolve({ found: ++found } as unknown as BlockNames)
  const get = async (key: string): Promise<unknown> => recent.get(key, find)

  expect(await rejection(recent.get('a', () => Promise.reject(new Error('no answer'))))).toMatchObject({
    message: 'no answer',
  })
  expect(await Promise.all([get('a'), get('a')])).toEqual([{ found: 1 }, { found: 1 }])
  host.advance(9_999)
  expect(await get('a')).toEqual({ found: 1 })
  host.advance(1)
  expect(await get('a')).toEqual({ found: 2 })
  for (let i = 0; i < 15; i++) await get(`b${i}`)
  expect(await get('a')).toEqual({ found: 2 })
  await get('b15')
  expect(await get('a')).toEqual({ found: 19 })
})
