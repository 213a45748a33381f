import { checkObjectName, isObjectName } from './object-name.ts'

/** Stands for an empty part in the name of a directory; names of objects do not contain it. */
const EMPTY = '_'

/** Where an object is in a tree of directories. */
export interface ObjectPlace {
  /** The part of its name before the last dot. */
  readonly stem: string
  /** The two characters after that dot, so that a directory stays small. */
  readonly fan: string
}

/** The directories `<stem>/<fan>` in which objects are files. */
export interface ObjectTree {
  /** The names in a directory, in any order; none if it does not exist. */
  names(...path: string[]): Promise<string[]>
  /** The name of the object to which a file belongs. */
  objectOf(file: string): string
}

/** Which names {@linkcode listNames} returns. */
export interface NamesOptions {
  readonly prefix: string
  readonly after: string
  readonly limit: number
  readonly signal: AbortSignal | undefined
}

/**
 * The place of an object. The objects of one upload are in one directory.
 *
 * @throws {TypeError} if an object cannot have this name.
 */
export function placeOf(name: string): ObjectPlace {
  checkObjectName(name)
  const dot = name.lastIndexOf('.')
  return { stem: dot < 0 ? EMPTY : name.slice(0, dot), fan: name.slice(dot + 1, dot + 3) || EMPTY }
}

/** The names of objects in a tree, in the order of their characters. */
export async function listNames(tree: ObjectTree, { prefix, after, limit, signal }: NamesOptions): Promise<string[]> {
  // Desktops and synchronizers leave files with other names, which are not objects.
  const isWanted = (name: string): boolean => name.startsWith(prefix) && name > after && isObjectName(name)
  const stems = (await tree.names()).filter((stem) => isBeginning(stemStart(stem), prefix))
  const found: string[] = []
  for (const stem of stems) {
    const start = stemStart(stem)
    for (const fan of (await tree.names(stem)).toSorted(byName)) {
      signal?.throwIfAborted()
      const first = start + (fan === EMPTY ? '' : fan)
      if (!isBeginning(first, prefix) || (first < after && !after.startsWith(first))) continue
      const names = (await tree.names(stem, fan)).map((file) => tree.objectOf(file))
      found.push(...new Set(names.filter(isWanted)))
      // Within a stem the fans are in the order of the names.
      if (stems.length === 1 && found.length >= limit) break
    }
  }
  return found.toSorted(byName).slice(0, limit)
}

/** Prefix of the names below a stem. */
function stemStart(stem: string): string {
  return stem === EMPTY ? '' : `${stem}.`
}

/** Whether strings that begin with `start` may begin with `prefix`. */
function isBeginning(start: string, prefix: string): boolean {
  return start.startsWith(prefix) || prefix.startsWith(start)
}

/** Orders by the codes of the characters, with the sign for an empty part first. */
function byName(a: string, b: string): number {
  if (a === EMPTY || b === EMPTY) return a === b ? 0 : a === EMPTY ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
