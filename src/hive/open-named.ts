import type { Entry, Hive, OpenOptions } from './hive.ts'

/** A hive that may have a version at hand which a request names. */
export interface NamingHive extends Hive {
  /** Opens that version, without making sure first that it is still the current one; undefined if it is not at hand. */
  openNamed(alias: string, etag: string, options: OpenOptions): Promise<Entry | undefined>
}

/** Opens a version that a hive has at hand; undefined if it has none. */
export async function openNamed(
  hive: Hive | NamingHive,
  alias: string,
  etag: string,
  options: OpenOptions,
): Promise<Entry | undefined> {
  return 'openNamed' in hive ? hive.openNamed(alias, etag, options) : undefined
}
