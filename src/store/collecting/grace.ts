import { checkInteger } from '../../bytes/check-integer.ts'

/** How long what was removed stays in the trash if nobody says otherwise, in milliseconds. */
export const DEFAULT_GRACE_MS = 3_600_000
/** A thousand years: the current time plus this is still a valid date. */
const MAX_GRACE_MS = 1000 * 366 * 86_400_000

/** Checks how long something stays in the trash. */
export function checkGrace(graceMs: number): void {
  checkInteger('graceMs', graceMs, 0, MAX_GRACE_MS)
}
