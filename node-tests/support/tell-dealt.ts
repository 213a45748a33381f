// Runs before each test file. `npm test` learns which cases of long tests each suite ran, and fails if one ran nowhere.
import { afterEach, inject } from 'vitest'
import { takeDealt } from './sample.ts'

if (Object.keys(inject('shares')).length > 0) {
  afterEach(({ task }) => {
    const dealt = takeDealt()
    if (dealt.length > 0) task.meta.dealt = dealt
  })
}
