import { parseMultipart } from './multipart.ts'
import type { RawAnswer } from './raw-http.ts'

/** Number of bytes of the file that the cases ask for. */
export const CASE_SIZE = 10_000

/** What is known of the file on a server. */
export interface CaseFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The etag, without a `W/`; a made-up one if the server has none. */
  readonly etag: string
  /** The field ETag of a plain answer. */
  readonly sentEtag: string | undefined
  /** The first second at which the file was what it is, in milliseconds. */
  readonly modifiedMs: number
}

/** A half-open range. */
export type Range = readonly [start: number, end: number]

/** What an answer may be: a status with what belongs to it; ranges are half-open, and must at least be covered. */
export type Outcome =
  | 'whole'
  | 'empty'
  | 'unmodified'
  | 'failed'
  | 'unsatisfiable'
  | 'refused'
  | number
  | readonly Range[]

/** A request, and what RFC 9110 lets a server answer. */
export interface HttpCase {
  readonly group: string
  readonly title: string
  readonly method: string
  /** The file, one without bytes, or one that does not exist. */
  readonly path: 'file' | 'empty' | 'missing'
  /** Header fields; `{etag}`, `{other}`, `{at}`, `{before}` and `{after}` stand for values of the file. */
  readonly fields: readonly (readonly [string, string])[]
  /** What the RFC allows. The first is what a hive answers. */
  readonly outcomes: readonly Outcome[]
  /** What the answer must be besides; returns what is wrong. */
  readonly check?: ((answer: RawAnswer, file: CaseFile) => string | undefined) | undefined
}

/** Number of bytes that a part may take besides its range. */
const MAX_PART_OVERHEAD = 300

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** The three formats of a date (RFC 9110, section 5.6.7). */
export const DATE_FORMATS: Readonly<Record<string, (ms: number) => string>> = {
  '': (ms) => new Date(ms).toUTCString(),
  '-850': (ms) => {
    const [, day, month, year, time] = /, (\d\d) (\w+) (\d+) (\S+)/.exec(new Date(ms).toUTCString())!
    return `${DAYS[new Date(ms).getUTCDay()]}, ${day}-${month}-${year!.slice(2)} ${time} GMT`
  },
  '-asctime': (ms) => {
    const [, name, day, month, year, time] = /(\w+), (\d\d) (\w+) (\d+) (\S+)/.exec(new Date(ms).toUTCString())!
    return `${name} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
  },
}

/** The header fields of a case for a file. */
export function fieldsFor({ fields }: HttpCase, { etag, modifiedMs }: CaseFile): [string, string][] {
  const values: Record<string, string> = { etag, other: '"47DEQpj8HBSa-_TImW-5JCeu"', bare: etag.slice(1, -1) }
  for (const [suffix, format] of Object.entries(DATE_FORMATS)) {
    values[`at${suffix}`] = format(modifiedMs)
    values[`before${suffix}`] = format(modifiedMs - 60_000)
    values[`after${suffix}`] = format(modifiedMs + 60_000)
  }
  return fields.map(([name, value]) => [name, value.replace(/\{([\w-]+)\}/g, (_, key: string) => values[key]!)])
}

/** What is wrong with an answer, as the first outcome alone, or as any of them; undefined if nothing is. */
export function problemWith(
  asked: HttpCase,
  answer: RawAnswer,
  file: CaseFile,
  allowed: readonly Outcome[] = asked.outcomes,
): string | undefined {
  const problems = allowed.map((outcome) => problemOf(outcome, asked, answer, file))
  return problems.includes(undefined) ? asked.check?.(answer, file) : problems.join('; ')
}

function problemOf(outcome: Outcome, asked: HttpCase, answer: RawAnswer, file: CaseFile): string | undefined {
  const { status, fields, body } = answer
  const is = (expected: number): string | undefined => (status === expected ? undefined : `${status}, not ${expected}`)
  if (typeof outcome === 'number') return is(outcome)
  switch (outcome) {
    case 'failed':
      return is(412)
    case 'refused':
      return status >= 400 && status < 500 ? undefined : `${status}, not refused`
    case 'unsatisfiable':
      return is(416) ?? different(fields.get('content-range'), `bytes */${CASE_SIZE}`)
    case 'unmodified':
      return is(304) ?? different(fields.get('etag'), file.sentEtag)
    case 'empty':
      return is(200) ?? different(fields.get('content-length'), '0')
    case 'whole':
      return is(200) ?? (fields.has('content-range') ? 'a Content-Range' : wrongWhole(asked.method, answer, file))
    default:
      return is(206) ?? different(fields.get('etag'), file.sentEtag) ?? uncovered(outcome, partsOf(answer), body, file)
  }
}

function wrongWhole(method: string, { fields, body }: RawAnswer, { bytes, sentEtag }: CaseFile): string | undefined {
  const expected = method === 'HEAD' ? 0 : CASE_SIZE
  return (
    different(fields.get('etag'), sentEtag) ??
    different(fields.get('content-length') ?? String(CASE_SIZE), String(CASE_SIZE)) ??
    (body.byteLength === expected && sameBytes(body, bytes.subarray(0, expected)) ? undefined : 'other bytes')
  )
}

/** The ranges of a 206 and their bytes; a text that says what is wrong with it. */
function partsOf({ fields, body }: RawAnswer): { range: Range; bytes: Uint8Array }[] | string {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(fields.get('content-range') ?? '')?.map(Number) ?? []
  if (first !== undefined && last !== undefined) {
    if (total !== CASE_SIZE) return `a total of ${total}`
    return [{ range: [first, last + 1], bytes: body }]
  }
  try {
    return parseMultipart(fields.get('content-type'), body)
  } catch (error) {
    return (error as Error).message
  }
}

function uncovered(
  asked: readonly Range[],
  parts: ReturnType<typeof partsOf>,
  body: Uint8Array,
  { bytes }: CaseFile,
): string | undefined {
  if (typeof parts === 'string') return parts
  for (const { range, bytes: got } of parts) {
    if (!sameBytes(got, bytes.subarray(...range))) return `other bytes at ${range.join('-')}`
  }
  const ranges = parts.map(({ range }) => range)
  const isCovered = ([start, end]: Range): boolean => ranges.some((range) => range[0] <= start && end <= range[1])
  if (!asked.every(isCovered)) return `only ${ranges.join(' ')}`
  if (asked.length === 1) return different(ranges.join(), asked.join())
  // Only gaps that are smaller than what a part takes may be filled.
  const wanted = asked.reduce((total, [start, end]) => total + end - start + MAX_PART_OVERHEAD, 0)
  return body.byteLength <= Math.min(wanted, 2 * CASE_SIZE) ? undefined : `${body.byteLength} bytes`
}

function different(got: string | undefined, expected: string | undefined): string | undefined {
  return got === expected ? undefined : `${got}, not ${expected}`
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
