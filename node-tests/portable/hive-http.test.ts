import { inject } from 'vitest'
import { HttpHive } from '../../src/http/http-hive.ts'
import { hiveSuite } from '../support/hive-suite.ts'

let hives = 0

hiveSuite('HttpHive on a real server', () => {
  const url = `${inject('hiveUrl')}-/hives/suite-${Date.now()}-${hives++}/`
  return Promise.resolve({ hive: new HttpHive(url), other: new HttpHive(url) })
})
