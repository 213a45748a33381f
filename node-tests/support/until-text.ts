import type { EnginePage } from './engine-page.ts'
import { HANG_MS, untilInPageWithin } from './until-in-page.ts'

/** Waits until the element with this id contains a text. */
export function untilText(page: EnginePage, id: string, text: string, hangMs: number = HANG_MS): Promise<void> {
  const contains = (element: string, part: string): boolean =>
    document.getElementById(element)!.textContent.includes(part)
  return untilInPageWithin(page, hangMs, `${text} in ${id}`, contains, id, text)
}
