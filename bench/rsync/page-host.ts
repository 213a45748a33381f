// The bench inside a page. It gets the plan and the pairs from the server of the page, and sends it the rows.
import { carryOut, type Message, type Plan } from './host.ts'

async function tell(message: Message): Promise<void> {
  await fetch('/message', { method: 'POST', body: JSON.stringify(message) })
}

const plan = (await (await fetch('/plan')).json()) as Plan
await carryOut(plan, async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer()), tell)
