/** Groups consecutive steps of the same actor: `writer0: start create > collector1: start`. */
export function summarize(trace: readonly string[]): string {
  const runs: { who: string; steps: string[] }[] = []
  for (const label of trace) {
    const dot = label.indexOf('.')
    const who = dot < 0 ? label : label.slice(0, dot)
    const steps = dot < 0 ? [] : [label.slice(dot + 1)]
    const last = runs.at(-1)
    if (last?.who === who) last.steps.push(...steps)
    else runs.push({ who, steps })
  }
  return runs.map(({ who, steps }) => [`${who}:`, ...steps].join(' ')).join(' > ')
}
