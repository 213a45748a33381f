// Runs before each test file. One process runs all of them; it loses its own streams before the first file loads anything.
import { NativeReadableStream } from './take-streams-away.ts'
import * as polyfill from 'web-streams-polyfill'

const PolyfilledReadableStream: unknown = polyfill.ReadableStream
if (NativeReadableStream === PolyfilledReadableStream) throw new Error('the streams were taken away twice')
if (ReadableStream !== PolyfilledReadableStream)
  throw new Error('the host has streams other than those of the polyfill')
