import { readFileSync } from 'node:fs'

/** The version of the package, which stands two folders up, from the source and from what is built of it. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
