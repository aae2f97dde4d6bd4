/**
 * What resting requests save a chat: the tenth reply of a dialogue by a chat that wrote the nine before it, against one that
 * is new to the dialogue, taking turns; greedy, three new tokens each. Prints medians and their ratio.
 */
import { createChat } from '../../src/tasks/chat.ts';
import { openExample } from '../parity/example-models.ts';

const OPTIONS = { strategy: 'greedy', maxLen: 3 } as const;
const LINE = '今天天气怎么样，我们一起去公园散步吧，晚上再去吃火锅好不好';

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const { model, close } = await openExample('chat-nezha');
  const times = { resting: [] as number[], anew: [] as number[] };
  for (let round = 0; round < 12; round++) {
    const chat = await createChat(model);
    const history: string[] = [];
    for (let turn = 0; turn < 9; turn++) history.push(LINE, (await chat.reply([...history, LINE], OPTIONS)).text);
    history.push(LINE);
    const stranger = await createChat(model);
    await stranger.reply(['你好'], OPTIONS);
    times.resting.push(await milliseconds(() => chat.reply(history, OPTIONS)));
    times.anew.push(await milliseconds(() => stranger.reply(history, OPTIONS)));
  }
  const [resting, anew] = [median(times.resting), median(times.anew)];
  console.log(`resting ${resting.toFixed(1)} ms, anew ${anew.toFixed(1)} ms, ratio ${(anew / resting).toFixed(2)}`);
  await close();
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
