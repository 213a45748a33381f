import { FormatError, type FormatErrorReason } from '../../errors.ts'

/** An element of a document, without its attributes. */
export interface XmlElement {
  readonly name: string
  readonly children: XmlElement[]
  /** The text between its tags, without that of its children. */
  text: string
}

/** Answers of object stores are at most five deep. */
const MAX_DEPTH = 16

const DECLARATION = /^\uFEFF?(?:<\?xml[^<>]*\?>)?\s*/
const TAG = /<(\/?)([A-Za-z_][\w.:-]*)(?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)>/y
const TEXT = /[^<&]+|&(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[\dA-Fa-f]{1,6});/y
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/**
 * Parses the XML that object stores answer with: elements, attributes, text and character references. Document types,
 * comments, CDATA sections and processing instructions are refused; they do not occur there.
 *
 * @throws {FormatError} if the text is anything else, or ends too early.
 */
export function parseXml(text: string): XmlElement {
  let offset = DECLARATION.exec(text)![0].length
  const document: XmlElement = { name: '', children: [], text: '' }
  const open = [document]
  while (offset < text.length) {
    const element = open.at(-1)!
    if (text[offset] === '<') {
      const [tag, slash, name, empty] = matchAt(TAG, text, offset)
      offset += tag.length
      if (slash) {
        if (empty || element === document || element.name !== name)
          throw wrong('invalid', offset, 'a tag does not match')
        open.pop()
        continue
      }
      if (open.length > MAX_DEPTH) throw wrong('limit', offset, 'the elements are too deep')
      const child: XmlElement = { name: name!, children: [], text: '' }
      element.children.push(child)
      if (!empty) open.push(child)
    } else {
      const [piece] = matchAt(TEXT, text, offset)
      offset += piece.length
      element.text += piece.startsWith('&') ? characterOf(piece.slice(1, -1), offset) : piece
    }
  }
  if (open.length > 1) throw wrong('truncated', offset, 'an element does not end')
  const [root] = document.children
  if (!root || document.children.length > 1 || document.text.trim() !== '') {
    throw wrong('invalid', 0, 'there must be one element')
  }
  return root
}

/** The text of the only child with this name; undefined if there is none. */
export function childText(element: XmlElement, name: string): string | undefined {
  const found = element.children.filter((child) => child.name === name)
  if (found.length > 1) throw wrong('invalid', 0, `there are ${found.length} elements ${name}`)
  return found[0]?.text
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray {
  pattern.lastIndex = offset
  const match = pattern.exec(text)
  if (!match) throw wrong('invalid', offset, 'unknown markup')
  return match
}

function characterOf(reference: string, offset: number): string {
  const known = ENTITIES[reference]
  if (known !== undefined) return known
  const code = reference[1] === 'x' ? Number.parseInt(reference.slice(2), 16) : Number(reference.slice(1))
  if (code > 0x10_ff_ff || (code >= 0xd800 && code < 0xe000))
    throw wrong('invalid', offset, 'there is no such character')
  return String.fromCodePoint(code)
}

function wrong(reason: FormatErrorReason, offset: number, what: string): FormatError {
  return new FormatError(`not the XML of an object store: ${what}`, { reason, offset })
}
