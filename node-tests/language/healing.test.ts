import { memoryBackend } from '../../src/backends/memory.ts'
import { harmThrough, healingSuite } from '../support/healing-suite.ts'

healingSuite(
  'a content in memory',
  async () => {
    const backend = memoryBackend()
    return { backend, harm: (object, harm) => harmThrough(backend, object, harm) }
  },
  [
    { blocks: 1, harmed: [0, 0] },
    { blocks: 2, harmed: [0, 1] },
    { blocks: 3, harmed: [0, 1, 2] },
    // Two pages: one ends with block 512, the other with block 514.
    { blocks: 514, harmed: [511], harms: ['lost'] },
    { blocks: 514, harmed: [513], harms: ['flipped, as a reader has found'] },
  ],
)
