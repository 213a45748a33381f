import { parseArgs } from 'node:util'
import { RDIFF_EXIT, RdiffError } from './rdiff-error.ts'

/** Options of rdiff, checked as far as possible without knowing the action. */
export interface RdiffOptions {
  /** Whether to print traces. */
  verbose: boolean
  /** Whether to print statistics. */
  statistics: boolean
  /** Whether an existing output file may be replaced. */
  force: boolean
  /** Name of the strong sum. */
  hash: string
  /** Name of the weak sum. */
  rollsum: string
  /** Bytes in a block; 0: the recommended number. */
  blockSize: number
  /** Bytes in a strong sum; 0: all; -1: as few as protect against accidental collisions. */
  sumSize: number
  /** Most bytes of input to read at a time; 0: any number. */
  inputSize: number
  /** Most bytes of output to write at a time; 0: any number. */
  outputSize: number
}

const ACTIONS = ['signature', 'delta', 'patch'] as const

/** A parsed command line of rdiff. */
export type RdiffRequest =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | {
      readonly kind: (typeof ACTIONS)[number]
      /** The files that are given, in the order of the help; `-` is standard input or output. */
      readonly files: readonly string[]
      readonly options: Readonly<RdiffOptions>
    }

const MAX_FILES = { signature: 2, delta: 3, patch: 3 } as const

type Flag = 'verbose' | 'statistics' | 'force'
type Name = 'hash' | 'rollsum'
type Count = 'blockSize' | 'sumSize' | 'inputSize' | 'outputSize'

const FLAGS: Readonly<Record<string, Flag>> = { verbose: 'verbose', statistics: 'statistics', force: 'force' }
const NAMES: Readonly<Record<string, Name>> = { hash: 'hash', rollsum: 'rollsum' }
const COUNTS: Readonly<Record<string, Count>> = {
  'block-size': 'blockSize',
  'sum-size': 'sumSize',
  'input-size': 'inputSize',
  'output-size': 'outputSize',
}

/** The grammar of rdiff's options. commander does not support `-?`, negative numbers, or options after files. */
const GRAMMAR = {
  verbose: { type: 'boolean', short: 'v' },
  version: { type: 'boolean', short: 'V' },
  help: { type: 'boolean', short: '?' },
  // The other short name of --help.
  h: { type: 'boolean', short: 'h' },
  statistics: { type: 'boolean', short: 's' },
  force: { type: 'boolean', short: 'f' },
  hash: { type: 'string', short: 'H' },
  rollsum: { type: 'string', short: 'R' },
  'block-size': { type: 'string', short: 'b' },
  'sum-size': { type: 'string', short: 'S' },
  'input-size': { type: 'string', short: 'I' },
  'output-size': { type: 'string', short: 'O' },
} as const

/** A number as in C: decimal, octal or hexadecimal, depending on its prefix. */
const INTEGER = /^\s*([+-]?)(?:(0x[\da-f]+)|0([0-7]*)|([1-9]\d*))$/i

/**
 * Reads a command line as rdiff does.
 *
 * @throws {RdiffError} if it is invalid, with exit code 101.
 */
export function parseRdiffArguments(args: readonly string[]): RdiffRequest {
  const options: RdiffOptions = {
    verbose: false,
    statistics: false,
    force: false,
    hash: 'blake2',
    rollsum: 'rabinkarp',
    blockSize: 0,
    sumSize: 0,
    inputSize: 0,
    outputSize: 0,
  }
  const operands: string[] = []
  const { tokens } = parseArgs({ args: [...args], options: GRAMMAR, strict: false, tokens: true })
  // Processed in order, because help and version take effect at once, whatever follows.
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (!Object.hasOwn(GRAMMAR, name)) throw syntaxError(`unknown option: ${rawName}`)
    if (name in NAMES || name in COUNTS) {
      if (value === undefined) throw syntaxError(`missing argument: ${rawName}`)
      // In `-b=256`, the value is everything after the letter.
      const text = token.inlineValue && !rawName.startsWith('--') ? value.replace(/^=/, '') : value
      if (name in NAMES) options[NAMES[name]!] = text
      else options[COUNTS[name]!] = parseCount(text, rawName)
    } else if (value !== undefined) {
      throw syntaxError(`option does not take an argument: ${rawName}`)
    } else if (name in FLAGS) {
      options[FLAGS[name]!] = true
    } else {
      return name === 'version' ? { kind: 'version' } : { kind: 'help' }
    }
  }
  return requestOf(operands, options)
}

function requestOf([name, ...files]: readonly string[], options: RdiffOptions): RdiffRequest {
  const kind = name === undefined ? undefined : ACTIONS.find((each) => each.startsWith(name))
  if (!kind) throw syntaxError('an action is required: signature, delta or patch')
  if (files.length > MAX_FILES[kind]) throw syntaxError('too many arguments')
  if (kind === 'delta' && files.length === 0) throw syntaxError('delta needs a signature')
  if (kind === 'patch' && files.length === 0) throw syntaxError('patch needs a basis')
  return { kind, files, options }
}

function parseCount(text: string, rawName: string): number {
  // rdiff treats an empty value as 0.
  const found = text === '' ? ['', '', '', '0', ''] : INTEGER.exec(text)
  if (!found) throw syntaxError(`invalid numeric value of ${rawName}: ${text}`)
  const [, sign, hexadecimal, octal, decimal] = found
  const size = hexadecimal ? Number(hexadecimal) : octal !== undefined ? parseInt(octal || '0', 8) : Number(decimal)
  const value = sign === '-' ? -size : size
  if (value < -(2 ** 31) || value >= 2 ** 31) throw syntaxError(`number too large or too small: ${rawName} ${text}`)
  return value
}

function syntaxError(message: string): RdiffError {
  return new RdiffError(`${message}; see comb rdiff --help`, RDIFF_EXIT.syntaxError)
}
