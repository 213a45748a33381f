import type { Steps } from '../actor-view.ts'
import { AT_ONCE_STEPS } from './writer-at-once.ts'
import { BLOCKS_STEPS } from './writer-blocks.ts'
import { ENDING_STEPS } from './writer-ending.ts'
import { OPENING_STEPS } from './writer-opening.ts'
import { REMOVAL_STEPS } from './writer-removal.ts'
import type { Writer, WriterStep } from './writer-view.ts'

export const WRITER_STEPS: Steps<Writer, WriterStep> = {
  ...OPENING_STEPS,
  ...BLOCKS_STEPS,
  ...ENDING_STEPS,
  ...AT_ONCE_STEPS,
  ...REMOVAL_STEPS,
}
