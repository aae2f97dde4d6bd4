/**
 * The playground: choose a model, see what it is, convert it in the page, try it. No framework: each step is a file that
 * owns its part of the page, and this one hands what a step made to the next.
 */
import { loadModel, type WebModel, type WebModelOptions } from '../../src/web.ts';
import { startChoice } from './choose.ts';
import { startConverter } from './converter.ts';
import { announce, element, showError } from './elements.ts';
import { modelFolder } from './folder.ts';
import { startInspection } from './inspection.ts';
import { say, startLanguage } from './language.ts';
import { recall, remember } from './remembered.ts';
import { download, publishedFiles, tarOf } from './save.ts';
import { startTrial } from './trial.ts';

type Device = NonNullable<WebModelOptions['device']>;

const device = element('device', HTMLSelectElement);
const last = element('last', HTMLElement);
const trial = startTrial();
const inspection = startInspection(startConverter(), openConverted);
let model: WebModel | undefined;

startLanguage(element('language', HTMLButtonElement), () => inspection.relabel());
startChoice(chosen => inspection.open(chosen));
device.value = recall('device') ?? 'auto';
device.addEventListener('change', () => {
  remember('device', device.value as Device);
  attempt('try-error', openConverted);
});
element('save', HTMLButtonElement).addEventListener('click', () => attempt('inspection-error', save));
element('open-last', HTMLButtonElement).addEventListener('click', () => attempt('choose-error', openConverted));
attempt('choose-error', offerLast);

/** Opens the model that was converted last; the one before it is closed. */
async function openConverted(): Promise<void> {
  announce(say('opening'));
  trial.close();
  await model?.dispose();
  model = undefined;
  const wasmPaths = new URL('ort/', location.href).href;
  model = await loadModel(await modelFolder(), { device: device.value as Device, wasmPaths });
  last.hidden = true;
  trial.open(model);
}

/** The model of the last visit is still there, unless the browser took it away. */
async function offerLast(): Promise<void> {
  const title = recall('converted');
  if (title === undefined) return;
  const files = await publishedFiles(await modelFolder()).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  });
  if (files === undefined) return;
  element('last-title', HTMLElement).textContent = title;
  last.hidden = false;
}

async function save(): Promise<void> {
  download(tarOf(await publishedFiles(await modelFolder())), `${recall('converted') ?? 'model'}.tar`);
  announce(say('saved'));
}

/** Does what a control asks for, and shows an error where the control is. */
function attempt(errors: string, work: () => Promise<void>): void {
  const target = element(errors, HTMLElement);
  showError(target);
  work().catch(thrown => showError(target, thrown));
}
