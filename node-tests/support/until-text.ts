import type { EnginePage } from './engine-page.ts'
import { untilInPage } from './until-in-page.ts'

/** Waits until the element with this id contains a text. */
export function untilText(page: EnginePage, id: string, text: string): Promise<void> {
  const contains = (element: string, part: string): boolean =>
    document.getElementById(element)!.textContent.includes(part)
  return untilInPage(page, `${text} in ${id}`, contains, id, text)
}
