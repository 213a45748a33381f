import { describe, expect, test } from 'vitest'
import { redact, redactArgument, redactUrl } from '../../src/cli/redact.ts'

const PASSWORDS = ['SECRET', 'p@SECRET', 'p:SECRET', 'p@ss:SECRET/@', 'SECRET#?', '@SECRET@']
const USERS = ['hive', 'hive@srv', 'hi%40ve', '']

describe('no password is shown', () => {
  test.each(USERS.flatMap((user) => PASSWORDS.map((password) => [`${user}:${password}`])))('of %s', (account) => {
    for (const slashes of ['://', ':/', ':///']) {
      const text = redact(`cannot open postgres${slashes}${account}@127.0.0.1:5432/hives?schema=a: refused`)
      expect(text).not.toContain('SECRET')
      expect(text).toMatch(/:\*\*\*@127\.0\.0\.1:5432\/hives\?schema=a: refused$/)
    }
  })

  test.each(['postgres://hive:SEC RET@host/db', 'hive:SEC@RET@host', 'postgres:/hi ve:SECRET@host'])(
    'of an argument: %s',
    (argument) => {
      expect(redactArgument(`unknown command '${argument}'`)).toMatch(/^unknown command '[^SCRT]*:\*\*\*@host/)
    },
  )

  test.each([
    ['postgres://hive@srv:SECRET@host:1/db?schema=a', 'postgres://hive%40srv:***@host:1/db?schema=a'],
    ['postgres://hive:SEC RET@host/db', 'postgres://hive:***@host/db'],
    ['postgres://hive@host/db?password=SECRET', 'postgres://hive@host/db?password=***'],
    ['postgres://hive@host/db', 'postgres://hive@host/db'],
  ])('of the valid URL %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })
})

test('a text without a password stays as it is', () => {
  for (const text of [
    'no entry: a@b',
    'http://127.0.0.1:8080/x answered 404',
    '5:30 is not a range',
    'C:/data: no @',
  ]) {
    expect(redact(text)).toBe(text)
  }
})
