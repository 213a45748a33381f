import { CASE_SIZE, DATE_FORMATS, type HttpCase, type Outcome, type Range } from './http-case.ts'

const cases: HttpCase[] = []

/** Adds a case. `fields` is a Range, or lines of header fields. */
function add(
  group: string,
  title: string,
  fields: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  outcomes: readonly Outcome[],
  options: Partial<HttpCase> = {},
): void {
  const list = Array.isArray(fields) ? (fields as [string, string][]) : Object.entries(fields as Record<string, string>)
  cases.push({ group, title, method: 'GET', path: 'file', fields: list, outcomes, ...options })
}

/** What a server may do with a Range that the grammar does not know (RFC 9110, section 14.2). */
const INVALID: readonly Outcome[] = ['whole', 416, 400]

const ONE: readonly (readonly [value: string, start: number, end?: number])[] = [
  ['bytes=0-0', 0, 1],
  ['bytes=0-99', 0, 100],
  ['bytes=1-1', 1, 2],
  ['bytes=4000-4999', 4_000, 5_000],
  ['bytes=9999-9999', 9_999],
  ['bytes=9990-9999', 9_990],
  ['bytes=0-', 0],
  ['bytes=1-', 1],
  ['bytes=5000-', 5_000],
  ['bytes=9999-', 9_999],
  ['bytes=0-9999', 0],
  ['bytes=0-10000', 0],
  ['bytes=9000-10000', 9_000],
  ['bytes=9000-4294967295', 9_000],
  ['bytes=9000-4294967296', 9_000],
  ['bytes=9000-9007199254740993', 9_000],
  ['bytes=9000-9223372036854775807', 9_000],
  ['bytes=9000-9223372036854775808', 9_000],
  ['bytes=9000-18446744073709551615', 9_000],
  ['bytes=9000-18446744073709551616', 9_000],
  ['bytes=9000-99999999999999999999999999', 9_000],
  ['bytes=-1', 9_999],
  ['bytes=-100', 9_900],
  ['bytes=-9999', 1],
  ['bytes=-10000', 0],
  ['bytes=-10001', 0],
  ['bytes=-4294967296', 0],
  ['bytes=-9223372036854775808', 0],
  ['bytes=-18446744073709551616', 0],
  ['bytes=-99999999999999999999999999', 0],
  ['bytes=000-099', 0, 100],
  ['bytes=00000000000000000000000000001-2', 1, 3],
  ['bytes=-0001', 9_999],
  ['Bytes=0-99', 0, 100],
  ['BYTES=0-99', 0, 100],
  ['bYtEs=-1', 9_999],
  ['bytes=,0-99', 0, 100],
  ['bytes=0-99,', 0, 100],
  ['bytes=, ,0-99 , ,', 0, 100],
  ['bytes=\t,\t0-99', 0, 100],
]
for (const [value, start, end = CASE_SIZE] of ONE) add('one range', value, { Range: value }, [[[start, end]]])
for (const first of [
  '10000',
  '10001',
  '4294967296',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
]) {
  for (const last of ['', first]) {
    add('unsatisfiable', `bytes=${first}-${last}`, { Range: `bytes=${first}-${last}` }, ['unsatisfiable'])
  }
}
for (const value of [
  'bytes=-0',
  'bytes=-00',
  'bytes=99999999999999999999999-',
  'bytes=,10000-',
  'bytes=10000-,-0',
  'bytes=10000-,20000-30000',
]) {
  add('unsatisfiable', value, { Range: value }, ['unsatisfiable'])
}
for (const value of [
  'bytes=99-0',
  'bytes=5000-4999',
  'bytes=9999-9998',
  'bytes=9007199254740993-9007199254740992',
  'bytes=18446744073709551617-1',
  'bytes=18446744073709551617-18446744073709551616',
  'bytes=-',
  'bytes=',
  'bytes',
  'bytes=,',
  'bytes=--1',
  'bytes=1--2',
  'bytes=a-b',
  'bytes=0-9x',
  'bytes=0x0-0x9',
  'bytes=+0-9',
  'bytes=0-+9',
  'bytes=0.5-9',
  'bytes=1e2-',
  'bytes=0 -9',
  'bytes=0- 9',
  'bytes=- 9',
  'bytes=0-9-',
  'bytes=0-9-19',
  'bytes=0:9',
  'bytes=0',
  'bytes=9',
  'bytes==0-9',
  'bytes=0-9;q=1',
  'bytes="0-9"',
  'bytes 0-9',
  'bytes 0-9/10000',
  '=0-9',
  '0-9',
  '-9',
  'bytes=0-9 20-29',
  'bytes=0-9;20-29',
  'bytes=0-9,x',
  'bytes=0-9,20-10',
  'bytes=0-9,+20-29',
  'bytes=0-9,-',
  'bytes=0-9,bytes=20-29',
  'bytes=\u00b2-\u00b3',
]) {
  add('malformed range', value, { Range: value }, INVALID)
}
// Browsers may send this space; the grammar does not have it.
for (const value of ['bytes= 0-99', 'bytes=0-99 ', 'bytes=\t0-99']) {
  add('malformed range', JSON.stringify(value), { Range: value }, [[[0, 100]], ...INVALID])
}
for (const unit of [
  'lines',
  'byte',
  'octets',
  'none',
  'bits',
  'bytes-unit',
  'x-bytes',
  'seconds',
  'items',
  'b\u00fctes',
]) {
  add('unknown unit', `${unit}=0-99`, { Range: `${unit}=0-99` }, unit === 'b\u00fctes' ? INVALID : ['whole'])
  add('unknown unit', `${unit}=10000-`, { Range: `${unit}=10000-` }, unit === 'b\u00fctes' ? INVALID : ['whole'])
}

const SEVERAL: readonly (readonly [value: string, ...ranges: Range[]])[] = [
  ['0-9,500-509', [0, 10], [500, 510]],
  ['0-0,5000-5000,-1', [0, 1], [5_000, 5_001], [9_999, CASE_SIZE]],
  ['500-509,0-9', [0, 10], [500, 510]],
  ['-10,0-9', [0, 10], [9_990, CASE_SIZE]],
  ['0-9,9000-', [0, 10], [9_000, CASE_SIZE]],
  ['0-9, 500-509', [0, 10], [500, 510]],
  ['0-9 ,\t500-509', [0, 10], [500, 510]],
  ['0-9,,500-509', [0, 10], [500, 510]],
  [',0-9,500-509,', [0, 10], [500, 510]],
  ['0-9,20-29', [0, 10], [20, 30]],
  ['0-9,10-19', [0, 10], [10, 20]],
  ['0-19,10-29', [0, 20], [10, 30]],
  ['10-29,0-19', [0, 20], [10, 30]],
  ['0-9,0-9', [0, 10], [0, 10]],
  ['0-999,100-199', [0, 1_000], [100, 200]],
  ['100-199,0-999', [0, 1_000], [100, 200]],
  ['0-4999,5000-9999', [0, 5_000], [5_000, CASE_SIZE]],
  ['0-9,10000-', [0, 10], [0, 10]],
  ['10000-,0-9', [0, 10], [0, 10]],
  ['0-9,-0', [0, 10], [0, 10]],
  ['0-9,10000-,500-509', [0, 10], [500, 510]],
  ['0-9,9990-20000', [0, 10], [9_990, CASE_SIZE]],
  ['0-9,9990-18446744073709551616', [0, 10], [9_990, CASE_SIZE]],
  ['0-9,-18446744073709551616', [0, 10], [0, CASE_SIZE]],
  ['000-009,00500-00509', [0, 10], [500, 510]],
  ['0-9,500-509,1000-1009,1500-1509,2000-2009', [0, 10], [500, 510], [1_000, 1_010], [1_500, 1_510], [2_000, 2_010]],
]
for (const [value, ...ranges] of SEVERAL) add('several ranges', value, { Range: `bytes=${value}` }, [ranges])
const twenty = Array.from({ length: 20 }, (_, index): Range => [index * 500, index * 500 + 10])
add('several ranges', '20 of them', { Range: `bytes=${twenty.map(([a, b]) => `${a}-${b - 1}`).join()}` }, [twenty])
add(
  'several ranges',
  '20 of them, backwards',
  {
    Range: `bytes=${twenty
      .map(([a, b]) => `${a}-${b - 1}`)
      .toReversed()
      .join()}`,
  },
  [twenty],
)
// Section 17.15: a server ought to ignore, join or reject what only costs it.
const EGREGIOUS: readonly Outcome[] = [[[0, CASE_SIZE]], 'whole', 416, 400, 431]
add('egregious ranges', 'the whole, 100 times', { Range: `bytes=${Array(100).fill('0-').join()}` }, EGREGIOUS)
add('egregious ranges', 'halves, 100 times', { Range: `bytes=${Array(50).fill('0-5000,4000-').join()}` }, EGREGIOUS)
add(
  'egregious ranges',
  'staggered, 100 times',
  { Range: `bytes=${Array.from({ length: 100 }, (_, i) => `${i}-`).join()}` },
  EGREGIOUS,
)
add('egregious ranges', '1,200 of them', { Range: `bytes=${Array.from({ length: 1_200 }, () => '0-9').join()}` }, [
  'whole',
  416,
  400,
  431,
  [[0, 10]],
])
add(
  'egregious ranges',
  '1,200 single bytes',
  { Range: `bytes=${Array.from({ length: 1_200 }, (_, i) => `${i * 8}-${i * 8}`).join()}` },
  ['whole', 416, 400, 431],
)
add(
  'egregious ranges',
  '1,100 suffixes',
  { Range: `bytes=${Array.from({ length: 1_100 }, (_, i) => `-${i + 1}`).join()}` },
  ['whole', 416, 400, 431],
)

for (const method of ['GET', 'HEAD']) {
  const on = (title: string): string => `${method}, ${title}`
  const options = { method }
  const lists: readonly (readonly [value: string, matches: boolean, isStrong?: boolean])[] = [
    ['{etag}', true],
    ['*', true],
    ['{other}', false],
    ['{other}, {etag}', true],
    ['{etag}, {other}', true],
    ['{other},{etag},{other}', true],
    ['{other},{other}', false],
    [', {etag} ,', true],
    ['"a,b", {etag}', true],
    ['"*"', false],
    ['""', false],
    ['W/{etag}', true, false],
    ['W/{other}', false],
    ['W/{other}, {etag}', true],
    ['{other}, W/{etag}', true, false],
    ['"{bare}x"', false],
    ['"x{bare}"', false],
    ['"W/{bare}"', false],
  ]
  for (const [value, matches, isStrong = true] of lists) {
    add('If-Match', on(value), { 'If-Match': value }, [matches && isStrong ? 'whole' : 'failed'], options)
    add('If-None-Match', on(value), { 'If-None-Match': value }, [matches ? 'unmodified' : 'whole'], options)
  }
  // Without quotes it is not an etag.
  add('If-Match', on('{bare}'), { 'If-Match': '{bare}' }, ['failed', 400], options)
  add('If-None-Match', on('{bare}'), { 'If-None-Match': '{bare}' }, ['whole', 400], options)
  const twice = (name: string): [string, string][] => [
    [name, '{other}'],
    [name, '{etag}'],
  ]
  add('If-Match', on('in two lines'), twice('If-Match'), ['whole'], options)
  add('If-None-Match', on('in two lines'), twice('If-None-Match'), ['unmodified'], options)

  for (const format of Object.keys(DATE_FORMATS)) {
    for (const [when, isModified] of [
      ['before', true],
      ['at', false],
      ['after', false],
    ] as const) {
      const value = `{${when}${format}}`
      add(
        'If-Modified-Since',
        on(value),
        { 'If-Modified-Since': value },
        [isModified ? 'whole' : 'unmodified'],
        options,
      )
      add(
        'If-Unmodified-Since',
        on(value),
        { 'If-Unmodified-Since': value },
        [isModified ? 'failed' : 'whole'],
        options,
      )
    }
  }
}
/** None is a date; a server that reads them would take most for the far future, or the far past. */
const NO_DATES = [
  '2999-01-01',
  '2999-01-01T00:00:00Z',
  'tomorrow',
  '4102444800',
  'Fri, 32 Jan 2999 00:00:00 GMT',
  'Sun, 31 Feb 2999 00:00:00 GMT',
  'Tue, 01 Foo 2999 00:00:00 GMT',
  'Tue, 01 Jan 2999 25:00:00 GMT',
  'Tue, 01 Jan 2999 00:60:00 GMT',
  'Tue, 01 Jan 2999',
  'Tue, 1 Jan 2999 00:00:00 GMT',
  'Tue, 01 Jan 2999 00:00:00 +0000',
  'Tue, 01 Jan 2999 00:00:00 CET',
  '01 Jan 2999 00:00:00 GMT',
  '{etag}',
  '*',
]
for (const value of NO_DATES) {
  add('not a date', `If-Modified-Since: ${value}`, { 'If-Modified-Since': value }, ['whole'])
  const past = value.replaceAll('2999', '1999').replace('4102444800', '0')
  add('not a date', `If-Unmodified-Since: ${past}`, { 'If-Unmodified-Since': past }, ['whole'])
}

const HUNDRED: readonly Range[] = [[0, 100]]
const IF_RANGES: readonly (readonly [value: string, ...outcomes: Outcome[]])[] = [
  ['{etag}', HUNDRED],
  ['{other}', 'whole'],
  ['W/{etag}', 'whole'],
  ['W/{other}', 'whole'],
  ['{bare}', 'whole'],
  ['*', 'whole'],
  ['""', 'whole'],
  ['{etag}, {other}', 'whole', 400],
  ['{other}, {etag}', 'whole', 400],
  // A date may match exactly, if it is known to be strong.
  ['{at}', 'whole', HUNDRED],
  ['{at-850}', 'whole', HUNDRED],
  ['{at-asctime}', 'whole', HUNDRED],
  ['{before}', 'whole'],
  ['{after}', 'whole'],
  ['{before-850}', 'whole'],
  ['{after-850}', 'whole'],
  ['{before-asctime}', 'whole'],
  ['{after-asctime}', 'whole'],
  ['tomorrow', 'whole'],
  ['Tue, 01 Jan 2999 00:00:00 GMT', 'whole'],
  ['2999-01-01', 'whole'],
]
for (const [value, ...outcomes] of IF_RANGES) {
  add('If-Range', value, { Range: 'bytes=0-99', 'If-Range': value }, outcomes)
}
add('If-Range', 'without Range', { 'If-Range': '{other}' }, ['whole'])
add('If-Range', 'without Range, the same', { 'If-Range': '{etag}' }, ['whole'])
add('If-Range', 'of HEAD', { Range: 'bytes=0-99', 'If-Range': '{etag}' }, ['whole'], { method: 'HEAD' })
add('If-Range', 'another, past the end', { Range: 'bytes=10000-', 'If-Range': '{other}' }, ['whole'])
add('If-Range', 'the same, past the end', { Range: 'bytes=10000-', 'If-Range': '{etag}' }, ['unsatisfiable'])
add('If-Range', 'the same, several', { Range: 'bytes=0-9,500-509', 'If-Range': '{etag}' }, [
  [
    [0, 10],
    [500, 510],
  ],
])
add('If-Range', 'another, several', { Range: 'bytes=0-9,500-509', 'If-Range': '{other}' }, ['whole'])
add('If-Range', 'the same, malformed', { Range: 'bytes=x', 'If-Range': '{etag}' }, INVALID)
add('If-Range', 'the same, another unit', { Range: 'lines=0-9', 'If-Range': '{etag}' }, ['whole'])

// Every combination of conditions, against section 13.2.2 written down once more.
const IF_MATCH = { '': true, '{etag}': true, '{other}': false }
const IF_UNMODIFIED = { '': true, '{after}': true, '{before}': false }
const IF_NONE_MATCH = { '': true, '{other}': true, '{etag}': false }
const IF_MODIFIED = { '': true, '{before}': true, '{after}': false }
for (const [ifMatch, hasMatched] of Object.entries(IF_MATCH)) {
  for (const [ifUnmodified, isUnmodified] of Object.entries(IF_UNMODIFIED)) {
    for (const [ifNoneMatch, hasNoneMatched] of Object.entries(IF_NONE_MATCH)) {
      for (const [ifModified, isModified] of Object.entries(IF_MODIFIED)) {
        const fields = Object.entries({
          'If-Modified-Since': ifModified,
          'If-None-Match': ifNoneMatch,
          'If-Unmodified-Since': ifUnmodified,
          'If-Match': ifMatch,
        }).filter(([, value]) => value !== '')
        if (fields.length < 2) continue
        const passes = ifMatch === '' ? isUnmodified : hasMatched
        const isNew = ifNoneMatch === '' ? isModified : hasNoneMatched
        const outcome = passes ? (isNew ? 'whole' : 'unmodified') : 'failed'
        add('order of conditions', fields.map((field) => field.join(': ')).join(', '), fields, [outcome])
      }
    }
  }
}
for (const [condition, outcome] of [
  [['If-Match', '{other}'], 'failed'],
  [['If-Unmodified-Since', '{before}'], 'failed'],
  [['If-None-Match', '{etag}'], 'unmodified'],
  [['If-Modified-Since', '{after}'], 'unmodified'],
  [['If-Match', '{etag}'], undefined],
  [['If-Unmodified-Since', '{after}'], undefined],
  [['If-None-Match', '{other}'], undefined],
  [['If-Modified-Since', '{before}'], undefined],
] as const) {
  for (const [range, ranged] of [
    [[['Range', 'bytes=0-99']], HUNDRED],
    [[['Range', 'bytes=10000-']], 'unsatisfiable'],
    [
      [
        ['Range', 'bytes=0-99'],
        ['If-Range', '{etag}'],
      ],
      HUNDRED,
    ],
    [
      [
        ['Range', 'bytes=0-99'],
        ['If-Range', '{other}'],
      ],
      'whole',
    ],
  ] as const) {
    const fields = [...range, condition]
    add('conditions before ranges', fields.map((field) => field.join(': ')).join(', '), fields, [outcome ?? ranged])
  }
}

for (const value of [
  'bytes=0-99',
  'bytes=-1',
  'bytes=10000-',
  'bytes=-0',
  'bytes=0-9,500-509',
  'bytes=x',
  'lines=0-9',
]) {
  add('HEAD', value, { Range: value }, ['whole'], { method: 'HEAD' })
}
const sameAsGet = (names: readonly string[]): HttpCase['check'] => {
  return ({ fields }) => names.filter((name) => !fields.has(name)).map((name) => `no ${name}`)[0]
}
add('HEAD', 'has the fields of GET', {}, ['whole'], {
  method: 'HEAD',
  check: sameAsGet(['etag', 'last-modified', 'content-length', 'content-type', 'accept-ranges', 'date']),
})

for (const value of ['bytes=0-', 'bytes=0-0', 'bytes=0-99', 'bytes=1-', 'bytes=-1', 'bytes=-0', 'bytes=0-9,20-29']) {
  add('no bytes', value, { Range: value }, ['empty', 416], { path: 'empty' })
}
add('no bytes', 'GET', {}, ['empty'], { path: 'empty' })
add('no bytes', 'HEAD', {}, ['empty'], { path: 'empty', method: 'HEAD' })
for (const value of ['bytes=x', 'lines=0-9']) {
  add('no bytes', value, { Range: value }, value === 'lines=0-9' ? ['empty'] : ['empty', 416, 400], { path: 'empty' })
}

// Section 13.2.1: conditions do not count if the answer without them is an error.
for (const [name, value] of [
  ['If-Match', '*'],
  ['If-Match', '{etag}'],
  ['If-None-Match', '*'],
  ['If-None-Match', '{etag}'],
  ['If-Modified-Since', '{after}'],
  ['If-Unmodified-Since', '{before}'],
  ['Range', 'bytes=0-99'],
  ['Range', 'bytes=10000-'],
] as const) {
  for (const method of ['GET', 'HEAD']) {
    add('missing', `${method}, ${name}: ${value}`, { [name]: value }, [404], { path: 'missing', method })
  }
}

const allows: HttpCase['check'] = ({ fields }) => {
  const allow = fields.get('allow')?.split(/, */) ?? []
  return ['GET', 'HEAD'].every((method) => allow.includes(method)) ? undefined : `Allow: ${fields.get('allow')}`
}
for (const method of ['POST', 'PROPFIND', 'MKCOL', 'LOCK', 'SEARCH', 'REPORT']) {
  add('methods', `${method}: 405 with Allow`, { 'Content-Length': '0' }, [405], { method, check: allows })
}
add('methods', 'OPTIONS: Allow', {}, [204, 200], { method: 'OPTIONS', check: allows })

const has = (name: string, pattern: RegExp): HttpCase['check'] => {
  return ({ fields }) => (pattern.test(fields.get(name) ?? '') ? undefined : `${name}: ${fields.get(name)}`)
}
const STRONG = /^"[\x21\x23-\x7e]*"$/
const DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/
const LENGTH = /^\d+$/
const NONE = /^$/
const FIELDS: readonly (readonly [
  title: string,
  fields: Record<string, string>,
  outcome: Outcome,
  name: string,
  RegExp,
])[] = [
  ['200: a strong ETag', {}, 'whole', 'etag', STRONG],
  ['200: Last-Modified', {}, 'whole', 'last-modified', DATE],
  ['200: Date', {}, 'whole', 'date', DATE],
  ['200: Accept-Ranges', {}, 'whole', 'accept-ranges', /^bytes$/],
  ['200: Content-Length', {}, 'whole', 'content-length', LENGTH],
  ['206: a strong ETag', { Range: 'bytes=0-99' }, HUNDRED, 'etag', STRONG],
  ['206: Last-Modified', { Range: 'bytes=0-99' }, HUNDRED, 'last-modified', DATE],
  ['206: Date', { Range: 'bytes=0-99' }, HUNDRED, 'date', DATE],
  ['206: Content-Length', { Range: 'bytes=0-99' }, HUNDRED, 'content-length', /^100$/],
  [
    '206 with parts: no Content-Range',
    { Range: 'bytes=0-9,500-509' },
    [
      [0, 10],
      [500, 510],
    ],
    'content-range',
    NONE,
  ],
  [
    '206 with parts: Content-Length',
    { Range: 'bytes=0-9,500-509' },
    [
      [0, 10],
      [500, 510],
    ],
    'content-length',
    LENGTH,
  ],
  [
    '206 with parts: ETag',
    { Range: 'bytes=0-9,500-509' },
    [
      [0, 10],
      [500, 510],
    ],
    'etag',
    STRONG,
  ],
  ['304: ETag', { 'If-None-Match': '{etag}' }, 'unmodified', 'etag', STRONG],
  ['304: Date', { 'If-None-Match': '{etag}' }, 'unmodified', 'date', DATE],
  ['304: no other Content-Length', { 'If-None-Match': '{etag}' }, 'unmodified', 'content-length', /^(?:10000)?$/],
  ['304: no Content-Range', { 'If-None-Match': '{etag}', Range: 'bytes=0-9' }, 'unmodified', 'content-range', NONE],
  ['416: Content-Range', { Range: 'bytes=10000-' }, 416, 'content-range', /^bytes \*\/10000$/],
  ['412: Date', { 'If-Match': '{other}' }, 'failed', 'date', DATE],
]
for (const [title, fields, outcome, name, pattern] of FIELDS) {
  add('header fields', title, fields, [outcome], { check: has(name, pattern) })
}

add(
  'repeated fields',
  'Range',
  [
    ['Range', 'bytes=0-9'],
    ['Range', 'bytes=500-509'],
  ],
  [
    ...INVALID,
    [[0, 10]],
    [[500, 510]],
    [
      [0, 10],
      [500, 510],
    ],
  ],
)
add(
  'repeated fields',
  'If-Range',
  [
    ['Range', 'bytes=0-99'],
    ['If-Range', '{other}'],
    ['If-Range', '{other}'],
  ],
  ['whole', 400],
)
add(
  'repeated fields',
  'If-Modified-Since',
  [
    ['If-Modified-Since', '{before}'],
    ['If-Modified-Since', '{before}'],
  ],
  ['whole', 400],
)
add(
  'repeated fields',
  'If-Unmodified-Since',
  [
    ['If-Unmodified-Since', '{after}'],
    ['If-Unmodified-Since', '{after}'],
  ],
  ['whole', 400],
)
add(
  'repeated fields',
  'names in capitals',
  [
    ['RANGE', 'bytes=0-99'],
    ['IF-RANGE', '{etag}'],
  ],
  [HUNDRED],
)
add(
  'repeated fields',
  'names in small letters',
  [
    ['range', 'bytes=0-99'],
    ['if-match', '{other}'],
  ],
  ['failed'],
)
add('repeated fields', 'spaces around a value', [['Range', '\t bytes=0-99 \t']], [HUNDRED])
add('repeated fields', 'spaces around an etag', [['If-None-Match', ' \t{etag} ']], ['unmodified'])

/** Conditional requests and ranges of RFC 9110, each with what a server may answer. */
export const HTTP_CASES: readonly HttpCase[] = cases
