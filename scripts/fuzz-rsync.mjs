// Feeds the rsync parsers and streams with malformed and unusual input for a given time. Compares the results with the
// grammar (node-tests/support/rsync-models.ts) and, if installed, with rdiff. It stops at the first failing case,
// minimizes it and prints it. Add that case to node-tests/language/rsync-regressions.test.ts.
//
//   node_modules/.bin/node scripts/fuzz-rsync.mjs [--minutes 10] [--seed N] [--only patch-job]
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import * as fc from 'fast-check'
import { equalBytes } from '../src/bytes/byte-order.ts'
import { toHex } from '../src/bytes/byte-text.ts'
import { collect } from '../src/bytes/collect.ts'
import { PatchStream } from '../src/rsync.ts'
import {
  anyCut,
  anyDeltaBytes,
  anyPatchOptions,
  anyPieces,
  anySignatureBytes,
} from '../node-tests/support/rsync-arbitraries.ts'
import {
  checkPatchTeardown,
  checkPatchJob,
  checkPatchStream,
  checkSignature,
} from '../node-tests/support/rsync-parsers.ts'
import { checkRoundTrip } from '../node-tests/support/rsync-round-trip.ts'
import { assemble } from '../node-tests/support/pieces.ts'
import { chunked } from '../node-tests/support/streams.ts'

const BASIS_SIZE = 700
const LARGE_BASIS_SIZE = 1_000_000
/** The literal limit of rdiff 2.3.2. */
const RDIFF_LITERAL_LIMIT = 32_768
/** Bytes of false matches that our code always hashes. rdiff has no limit. */
const FALSE_BYTES = 64 * 1024 * 1024
/** No case takes this long unless it hangs. */
const HANG_MS = 60_000

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const minutes = Number(values.minutes ?? 10)
let seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30))
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new RangeError('--minutes and --seed must be numbers')

const inputBytes = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1000, max: 100_000 }))

/** @param {number} basisSize @param {fc.Arbitrary<import('../node-tests/support/rsync-arbitraries.ts').Cut>} cut */
function anyPatch(basisSize, cut) {
  return fc
    .record({ delta: anyDeltaBytes(basisSize, 30), options: anyPatchOptions, cut })
    .map((each) => ({ delta: each.delta, basisSize, options: each.options, ...each.cut }))
}

const largeCut = fc.record({
  inputBytes,
  outputBytes: fc.constant(100_000),
  basisBytes: fc.integer({ min: 500, max: 200_000 }),
})

const sum = fc.constantFrom(
  /** @type {const} */ ('rabinkarp-blake2b'),
  /** @type {const} */ ('rabinkarp-md4'),
  /** @type {const} */ ('rollsum-blake2b'),
  /** @type {const} */ ('rollsum-md4'),
)

/** @param {fc.Arbitrary<import('../src/rsync.ts').DeltaOptions>} deltaOptions @param {fc.Arbitrary<boolean>} sizeKnown */
function anyRoundTrip(deltaOptions, sizeKnown) {
  return anyPieces(0).chain((basis) =>
    fc.record({
      basis: fc.constant(basis),
      edited: anyPieces(assemble(basis).byteLength),
      sizeKnown,
      signatureOptions: fc.record(
        {
          sum,
          blockLength: fc.oneof(fc.integer({ min: 7, max: 300 }), fc.integer({ min: 300, max: 100_000 })),
          // With shorter sums, a chance collision now and then makes the result wrong.
          strongLength: fc.oneof(fc.integer({ min: 8, max: 16 }), fc.constantFrom('min', 'max')),
        },
        { requiredKeys: [] },
      ),
      deltaOptions,
      inputBytes: fc.integer({ min: 1000, max: 300_000 }),
    }),
  )
}

const anyDeltaOptions = fc.record(
  { literalLimit: fc.integer({ min: 1, max: 70_000 }), mode: fc.constantFrom('compat', 'compact') },
  { requiredKeys: [] },
)

const folder = await mkdtemp(join(tmpdir(), 'combstream-'))
const hasRdiff = await rdiff('--version').then(
  () => true,
  () => false,
)

/** @type {Record<string, { runs: number, property: fc.IRawProperty<any> }>} */
const targets = {
  'patch-job': { runs: 3000, property: fc.property(anyPatch(BASIS_SIZE, anyCut), checkPatchJob) },
  'patch-stream': { runs: 300, property: fc.asyncProperty(anyPatch(BASIS_SIZE, anyCut), checkPatchStream) },
  'patch-stream-large': {
    runs: 100,
    property: fc.asyncProperty(anyPatch(LARGE_BASIS_SIZE, largeCut), checkPatchStream),
  },
  'patch-teardown': {
    runs: 300,
    property: fc.asyncProperty(
      anyPatch(BASIS_SIZE, anyCut),
      fc.nat(200),
      fc.constantFrom('cancel', 'abort', 'signal'),
      checkPatchTeardown,
    ),
  },
  signature: {
    runs: 1000,
    property: fc.asyncProperty(
      fc.record({
        bytes: anySignatureBytes,
        limits: fc.record({ blockLength: fc.integer({ min: 1, max: 0x7fffffff }), blockCount: fc.nat(8) }),
        inputBytes,
      }),
      checkSignature,
    ),
  },
  'round-trip': {
    runs: 50,
    property: fc.asyncProperty(
      anyRoundTrip(anyDeltaOptions, fc.boolean()),
      async (each) => void (await checkRoundTrip(each)),
    ),
  },
  ...(hasRdiff && {
    rdiff: { runs: 20, property: fc.asyncProperty(anyRoundTrip(anyDeltaOptions, fc.constant(true)), checkWithRdiff) },
    'rdiff-compat': {
      runs: 20,
      property: fc.asyncProperty(
        anyRoundTrip(fc.constant({ literalLimit: RDIFF_LITERAL_LIMIT }), fc.constant(true)),
        checkWithRdiff,
      ),
    },
  }),
}
if (values.only !== undefined && !Object.hasOwn(targets, values.only)) {
  throw new RangeError(
    `--only must be one of ${Object.keys(targets).join(', ')}${hasRdiff ? '' : '; rdiff is not installed'}`,
  )
}
const chosen = Object.entries(targets).filter(([name]) => (values.only ?? name) === name)

console.log(`${minutes} minutes from seed ${seed}, ${hasRdiff ? 'with' : 'without'} rdiff`)
const end = Date.now() + minutes * 60_000
/** @type {Record<string, number>} */
const cases = Object.fromEntries(chosen.map(([name]) => [name, 0]))
let running = ''
process.on('unhandledRejection', (reason) => {
  console.error(`${running} causes an unhandled rejection; reproduce with: --only ${running} --seed ${seed}`)
  throw reason
})
try {
  while (Date.now() < end && process.exitCode === undefined) {
    for (const [name, { runs, property }] of chosen) {
      running = name
      const result = await fc.check(property, { seed, numRuns: runs, timeout: HANG_MS })
      cases[name] = (cases[name] ?? 0) + result.numRuns
      if (!result.failed) continue
      console.error(`${name} fails; reproduce with: --only ${name} --seed ${seed}`)
      console.error(
        JSON.stringify(result.counterexample, (_, value) => (value instanceof Uint8Array ? toHex(value) : value)),
      )
      console.error(result.errorInstance)
      process.exitCode = 1
      break
    }
    seed++
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(`${process.exitCode === 1 ? 'failed' : 'no failures'}:`, cases)

/**
 * Throws unless rdiff computes the same signature, applies our delta, and we apply rdiff's. If both split literals at
 * the same limit, the deltas must be identical as well.
 *
 * @param {import('../node-tests/support/rsync-round-trip.ts').RoundTripCase} roundTrip
 */
async function checkWithRdiff(roundTrip) {
  const { basis, edited, signature, delta, falseMatches } = await checkRoundTrip(roundTrip)
  const { sum: sums = 'rabinkarp-blake2b', blockLength, strongLength = 'max' } = roundTrip.signatureOptions
  const { literalLimit, mode } = roundTrip.deltaOptions
  const [weak, strong] = sums.split('-')
  const options = ['-R', `${weak}`, '-H', strong === 'md4' ? 'md4' : 'blake2']
  if (blockLength !== undefined) options.push('-b', String(blockLength))
  options.push('-S', String(strongLength === 'min' ? -1 : strongLength === 'max' ? 0 : strongLength))
  await Promise.all([put('basis', basis), put('edited', edited), put('delta', delta)])

  await rdiff(...options, 'signature', 'basis', 'signature')
  const theirSignature = await get('signature')
  if (!equalBytes(signature, theirSignature)) throw new Error("the signature is not rdiff's")

  await rdiff('patch', 'basis', 'delta', 'patched')
  if (!equalBytes(await get('patched'), edited)) throw new Error('rdiff patches to a different result with our delta')

  await rdiff('delta', 'signature', 'edited', 'their-delta')
  const theirDelta = await get('their-delta')
  const patched = chunked(theirDelta, roundTrip.inputBytes).pipeThrough(new PatchStream(new Blob([basis])))
  if (!equalBytes(await collect(patched), edited)) throw new Error("rdiff's delta patches to a different result")

  // For an empty basis, rdiff's literals depend on its buffer sizes.
  const isComparable = basis.byteLength > 0 && falseMatches * edited.byteLength < FALSE_BYTES
  if (literalLimit !== RDIFF_LITERAL_LIMIT || mode === 'compact' || !isComparable) return
  if (!equalBytes(delta, theirDelta)) throw new Error("the delta is not rdiff's")
}

/** @param {string} name @param {Uint8Array} bytes */
async function put(name, bytes) {
  await writeFile(join(folder, name), bytes)
}

/** @param {string} name */
async function get(name) {
  return new Uint8Array(await readFile(join(folder, name)))
}

/** @param {string[]} options */
async function rdiff(...options) {
  await promisify(execFile)('rdiff', ['-f', ...options], { cwd: folder })
}
