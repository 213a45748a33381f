import { expect, test } from 'vitest'
import { AliasKeys } from '../../src/cache/alias-keys.ts'
import { aliasKeyOf } from '../../src/cache/cache-keys.ts'

test('the key of an alias is the same whether it is remembered or was forgotten', async () => {
  const keys = new AliasKeys()
  const first = await keys.get('bee')
  expect(await keys.get('bee')).toBe(first)
  for (let i = 0; i < 1_000; i++) await keys.get(`other ${i}`)
  const again = await keys.get('bee')
  expect(again).not.toBe(first)
  expect(again).toEqual(await aliasKeyOf('bee'))
})
