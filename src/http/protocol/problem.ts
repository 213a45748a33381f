/** An error as it crosses the network (RFC 9457). The facts of the error are further members. */
export interface Problem {
  /** `urn:combstream:error:` and the name of the error; or `about:blank`, if the status says it all. */
  readonly type: string
  /** The kind of problem: always the same text for the same type. */
  readonly title: string
  /** Status code of the answer. */
  readonly status: number
  /** What is wrong in this case. */
  readonly detail?: string
  /** A fact of the error, under the name of its field. */
  readonly [fact: string]: unknown
}

/** What comes before the name of an error in the `type` of its problem. */
export const PROBLEM_TYPE_PREFIX = 'urn:combstream:error:'
