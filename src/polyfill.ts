/**
 * Web streams for hosts without them. Importing this module installs the streams of `web-streams-polyfill` as globals.
 * It does nothing if the host has any stream class of its own.
 *
 * It never replaces native streams: pipes between native and polyfilled streams throw in every engine, and a `Response`
 * accepts only native ones. Import it before any other module of this package.
 *
 * @example
 * ```ts
 * import 'combstream/polyfill'
 *
 * new ReadableStream({ pull: (controller) => controller.close() })
 * ```
 *
 * @module
 */
import * as streams from 'web-streams-polyfill'

const host: Record<string, unknown> = globalThis

if (!('ReadableStream' in host || 'WritableStream' in host || 'TransformStream' in host)) {
  for (const [name, value] of Object.entries(streams)) {
    Object.defineProperty(host, name, { value, configurable: true, enumerable: false, writable: true })
  }
}
