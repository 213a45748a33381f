/** What the successive processes of one name have reported about a hive. */
export class CrashSlot {
  readonly name: string
  /** What is wrong with the hive. */
  readonly problems: string[] = []
  /** Number of actions that were acknowledged. */
  readonly acknowledged = new Map<string, number>()
  /** Objects that the processes have put without a row on purpose. */
  readonly stranded = new Set<string>()
  /** Objects that a scrub has found without a row. */
  readonly orphans = new Set<string>()
  /** The values that each alias and each reference may have: a content, or nothing. */
  readonly #values = new Map<string, ReadonlySet<string>>()
  #before: ReadonlySet<string> = new Set()
  #found = new Map<string, string>()

  constructor(name: string) {
    this.name = name
  }

  /** Records a line of a process's output. */
  hear(line: string): void {
    const [what = '', action = '', name = '', value = ''] = line.split(' ')
    switch (what) {
      case 'has':
        this.#found.set(action, name)
        return
      case 'ready':
        this.compare(this.#found)
        this.#found = new Map()
        return
      case 'orphan':
        this.orphans.add(action)
        return
      case 'begin':
        if (action === 'strand') this.stranded.add(name)
        if (action !== 'put') return
        this.#before = this.#valuesOf(name)
        this.#values.set(name, new Set([...this.#before, value]))
        return
      case 'done': {
        const done = action === 'put' && value === '-' ? 'remove' : action
        this.acknowledged.set(done, (this.acknowledged.get(done) ?? 0) + 1)
        if (action === 'put') this.#values.set(name, new Set([value]))
        return
      }
      case 'failed':
        if (action === 'put') this.#values.set(name, this.#before)
        return
    }
    this.problems.push(line)
  }

  /** Compares the values that were found with those that are allowed. From then on, only these are allowed. */
  compare(found: ReadonlyMap<string, string>): void {
    for (const name of new Set([...this.#values.keys(), ...found.keys()])) {
      const actual = found.get(name) ?? '-'
      const expected = this.#valuesOf(name)
      if (!expected.has(actual)) this.problems.push(`${name} is ${actual}, not ${[...expected].join(' or ')}`)
      this.#values.set(name, new Set([actual]))
    }
  }

  #valuesOf(name: string): ReadonlySet<string> {
    return this.#values.get(name) ?? new Set(['-'])
  }
}
