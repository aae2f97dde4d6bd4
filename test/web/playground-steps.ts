/**
 * Steps that a user of the playground takes, and what axe finds on the page.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { EXAMPLES } from './fixture.ts';

/** axe-core, to be evaluated in the page before {@link problems}. */
export const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Inspects what is chosen and waits for the second step. */
export async function inspect(page: Page): Promise<void> {
  await page.click('#inspect');
  await page.waitForFunction(() => document.activeElement?.id === 'inspection-title');
}

/** Converts and waits for the third step. */
export async function convert(page: Page): Promise<void> {
  await page.click('#convert');
  await page.waitForFunction(() => document.activeElement?.id === 'try-title');
}

/** Names of the tasks on offer. */
export async function tasksOffered(page: Page): Promise<string> {
  const names = await page.locator('#tasks input').evaluateAll(all => all.map(one => one.getAttribute('value')));
  return names.join(' ');
}

/** Path of a bundled model's file. */
export function locate(name: string): string {
  return path.join(EXAMPLES, name);
}

/** Drops files on the page. */
export async function drop(page: Page, names: readonly string[]): Promise<void> {
  const files = names.map(name => ({ name: path.basename(name), text: readFileSync(locate(name), 'utf8') }));
  await page.evaluate(dropped => {
    const dataTransfer = new DataTransfer();
    for (const { name, text } of dropped) dataTransfer.items.add(new File([text], name));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, files);
  await page.waitForSelector('#roles .found');
}

/** What axe finds on the page as it is: rule and elements. */
export async function problems(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    // Finished at once: a colour half way through a transition is nobody's fault.
    for (const animation of document.getAnimations())
      if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
    interface Axe {
      run(): Promise<{ violations: { id: string; nodes: { target: string[]; failureSummary?: string }[] }[] }>;
    }
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(node => `${id}: ${node.target.join(' ')} ${node.failureSummary}`),
    );
  });
}
