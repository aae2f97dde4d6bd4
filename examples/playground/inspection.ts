/**
 * The second step: what the files hold, what may be chosen about them, and the conversion.
 */
import type { Chosen } from './choose.ts';
import type { Converter } from './converter.ts';
import { announce, element, fillSelect, makeWord, moveTo, showError, showFacts } from './elements.ts';
import type { Choices, Fit } from './inspect.ts';
import { showFindings } from './inspection-view.ts';
import { say } from './language.ts';
import { duration } from './quantities.ts';
import { remember } from './remembered.ts';
import type { Settings } from './settings.ts';

/** The second step. */
export interface InspectionStep {
  /** Inspects files and shows the step. @throws what inspecting throws. */
  open(chosen: Chosen): Promise<void>;
  /** Writes what follows the page's language. */
  relabel(): void;
}

/** Starts the step; `converted` is called when a model has been. */
export function startInspection(converter: Converter, converted: () => Promise<void>): InspectionStep {
  const form = element('settings', HTMLFormElement);
  const error = element('inspection-error', HTMLElement);
  let chosen: Chosen | undefined;
  let fit: Fit | undefined;

  const inspect = async (choices: Choices): Promise<void> => {
    if (chosen === undefined) return;
    const asked = chosen;
    const inspection = await converter.inspect(asked.files, choices);
    if (asked !== chosen) return;
    fit = inspection.fit;
    showFindings(element('findings', HTMLElement), inspection);
    showSettings(asked, fit);
  };

  form.addEventListener('change', () => {
    showError(error);
    if (fit === undefined) return;
    inspect(readSettings(fit)).catch(thrown => showError(error, thrown));
  });
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (chosen === undefined || fit === undefined || isConverting()) return;
    const settings = readSettings(fit);
    convertWith(converter, chosen, settings)
      .then(done => (done ? converted() : undefined))
      .catch(thrown => showError(error, thrown));
  });

  return {
    async open(next) {
      showFound(false);
      showError(error);
      chosen = next;
      fit = undefined;
      await inspect(next.preset === '' ? {} : { preset: next.preset });
      element('save', HTMLButtonElement).hidden = true;
      showFacts(element('converted', HTMLElement), []);
      showFound(true);
      moveTo(element('inspection-title', HTMLElement));
    },
    relabel() {
      if (chosen !== undefined) showSettings(chosen, fit, fit && readSettings(fit));
    },
  };
}

function showFound(yes: boolean): void {
  element('found', HTMLElement).hidden = !yes;
  element('inspection-empty', HTMLElement).hidden = yes;
}

/** Converts; false when it was cancelled. */
async function convertWith(converter: Converter, { files, title }: Chosen, settings: Settings): Promise<boolean> {
  const progress = element('progress', HTMLProgressElement);
  const error = element('inspection-error', HTMLElement);
  const cancel = element('cancel', HTMLButtonElement);
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  showError(error);
  cancel.addEventListener('click', abort);
  setConverting(true);
  announce(say('converting'));
  const began = performance.now();
  try {
    const onProgress = (part: number): void => {
      progress.value = part;
    };
    await converter.convert(files, settings, { signal: stop.signal, onProgress });
    remember('converted', title);
    showFacts(element('converted', HTMLElement), [['convertedIn', duration(performance.now() - began)]]);
    element('save', HTMLButtonElement).hidden = false;
    return true;
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
    announce(say('cancelled'));
    error.textContent = say('cancelled');
    return false;
  } finally {
    cancel.removeEventListener('click', abort);
    setConverting(false);
  }
}

function isConverting(): boolean {
  return !element('cancel', HTMLButtonElement).hidden;
}

/** While a model is converted nothing else can be chosen, and the conversion can be cancelled. */
function setConverting(yes: boolean): void {
  const cancel = element('cancel', HTMLButtonElement);
  const hadFocus = document.activeElement === cancel;
  const progress = element('progress', HTMLProgressElement);
  progress.hidden = !yes;
  progress.value = 0;
  cancel.hidden = !yes;
  element('choose', HTMLElement).inert = yes;
  element('try', HTMLElement).inert = yes;
  element('setting-fields', HTMLFieldSetElement).disabled = yes;
  const convert = element('convert', HTMLButtonElement);
  convert.hidden = yes;
  if (yes) cancel.focus();
  else if (hadFocus) convert.focus();
}

function showSettings({ files }: Chosen, fit: Fit | undefined, now = fit?.settings): void {
  element('setting-fields', HTMLFieldSetElement).hidden = fit === undefined;
  const convert = element('convert', HTMLButtonElement);
  const words = fit?.plan.hasWords === true;
  const lacks = fit === undefined ? 'roleConfig' : files.vocab === undefined && !words ? 'roleVocab' : undefined;
  const error = element('inspection-error', HTMLElement);
  convert.disabled = fit === undefined || lacks !== undefined || fit.plan.problems.length > 0;
  if (lacks !== undefined) error.textContent = `${say(lacks)}: ${say('lacking')}`;
  else if (convert.disabled)
    error.replaceChildren(makeWord('strong', '', 'errorWEIGHTS'), makeWord('p', '', 'nextWEIGHTS'));
  if (fit === undefined || now === undefined) return;
  const names = files.checkpointNames.map(name => [name, name] as const);
  element('checkpoint-label', HTMLElement).hidden = names.length < 2;
  fillSelect(element('checkpoint', HTMLSelectElement), names, now.checkpoint);
  const presets = fit.presets.map(({ name }) => [name, name] as const);
  fillSelect(element('preset', HTMLSelectElement), [['', say('byHand')], ...presets], now.preset);
  const models = fit.models.map(({ keywords, problems }) => {
    return [
      keywords.model,
      problems === 0 ? `${keywords.model} ✓` : `${keywords.model} · ${say('missing')} ${problems}`,
    ] as const;
  });
  fillSelect(element('model', HTMLSelectElement), models, now.keywords.model);
  const applications = fit.applications.map(name => [name, name] as const);
  fillSelect(element('application', HTMLSelectElement), applications, now.application);
  element('by-hand', HTMLElement).hidden = now.preset !== '';
  element('writing', HTMLElement).hidden = !fit.writes;
  const preset = fit.presets.find(({ name }) => name === now.preset);
  element('preset-hint', HTMLElement).textContent = preset?.describe ?? '';
}

function readSettings({ models, settings }: Fit): Settings {
  const model = element('model', HTMLSelectElement).value;
  return {
    checkpoint: element('checkpoint', HTMLSelectElement).value || settings.checkpoint,
    preset: element('preset', HTMLSelectElement).value,
    keywords: models.find(({ keywords }) => keywords.model === model)?.keywords ?? settings.keywords,
    application: element('application', HTMLSelectElement).value as Settings['application'],
    endToken: element('end-token', HTMLInputElement).value,
    maxLen: Number(element('max-len', HTMLInputElement).value),
  };
}
