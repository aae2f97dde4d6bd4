/**
 * A Chromium for tests: found by CHROMIUM_PATH or its usual names, started without a network of its own.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A GPU imitated on the CPU, where there is no other.
  '--enable-unsafe-webgpu',
];

/** Longest time in milliseconds for a step of a test: four times what a busy machine of two cores was seen to need. */
export const PATIENCE = 240_000;

/** Gives the tests of a suite that long; to be called inside `describe`. */
export function bePatient(): void {
  beforeEach(function () {
    this.currentTest?.timeout(PATIENCE);
  });
}

/** Path of the browser, or undefined. */
export function findChromium(): string | undefined {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined) return given;
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.flatMap(folder => NAMES.map(name => path.join(folder, name))).find(file => existsSync(file));
}

/** Starts the browser at `executablePath`. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}

/**
 * What to do in `before` of a suite that needs a browser: its path, or the suite is skipped with a notice; with
 * BERT4ORT_REQUIRE_BROWSER=1 it fails instead.
 */
export function requireChromium(suite: Mocha.Context): string {
  const found = findChromium();
  if (found !== undefined) return found;
  const notice = 'no Chromium found (set CHROMIUM_PATH); browser tests do not run';
  if (process.env['BERT4ORT_REQUIRE_BROWSER'] === '1') throw new Error(notice);
  console.warn(`    skipped: ${notice}`);
  return suite.skip();
}
