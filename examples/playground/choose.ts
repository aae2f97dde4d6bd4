/**
 * The first step: a bundled model, or the user's own files, chosen or dropped, in one go or in several.
 */
import { element, make, makeWord, showError } from './elements.ts';
import { setWord } from './language.ts';
import { bundled, droppedFiles, fetchBundled, type ModelFiles, type NamedBlob, sortFiles } from './models.ts';
import { recall, remember } from './remembered.ts';
import type { Word } from './words.ts';

/** What was chosen. */
export interface Chosen {
  readonly title: string;
  readonly files: ModelFiles;
  /** Name of a preset; '' for the user's own files. */
  readonly preset: string;
}

/** The choice that stands for the user's own files. */
const OWN = 'own';

/** Starts the step; `inspect` is called with what was chosen. */
export function startChoice(inspect: (chosen: Chosen) => Promise<void>): void {
  const form = element('choice', HTMLFormElement);
  const cards = element('models', HTMLElement);
  const error = element('choose-error', HTMLElement);
  const button = element('inspect', HTMLButtonElement);
  const own = startOwnFiles(() => select(OWN));

  const last = recall('chosen') ?? 'qa-unilm';
  for (const [name, { task, title }] of Object.entries(bundled)) cards.append(card(name, task, title));
  const ownCard = card(OWN, 'own', '');
  setWord(ownCard.querySelector('small') ?? ownCard, 'ownTitle');
  cards.append(ownCard);
  const chosen = (): string => String(new FormData(form).get('model') ?? '');
  const select = (name: string): void => {
    for (const input of form.querySelectorAll<HTMLInputElement>('input[name=model]')) {
      input.checked = input.value === name;
    }
    own.show(name === OWN);
    remember('chosen', name);
  };
  select(last === OWN || last in bundled ? last : 'qa-unilm');

  form.addEventListener('change', () => select(chosen()));
  form.addEventListener('submit', async event => {
    event.preventDefault();
    if (button.ariaDisabled === 'true') return;
    showError(error);
    button.ariaDisabled = 'true';
    setWord(button, 'inspecting');
    try {
      const name = chosen();
      const preset = bundled[name]?.preset ?? '';
      const files = name === OWN ? own.files() : await fetchBundled(name);
      const title = name === OWN ? (files.checkpointNames[0] ?? '') : name;
      await inspect({ title, files, preset });
    } catch (thrown) {
      showError(error, thrown);
    } finally {
      button.ariaDisabled = null;
      setWord(button, 'inspect');
    }
  });
}

/** A radio button that looks like a card. */
function card(name: string, task: Word, title: string): HTMLElement {
  const input = make('input', '');
  input.type = 'radio';
  input.name = 'model';
  input.value = name;
  return make('label', 'card', input, makeWord('b', '', task), make('small', '', title));
}

/** The part for the user's own files: `chosen` is called when some are dropped anywhere on the page. */
function startOwnFiles(chosen: () => void) {
  const panel = element('own', HTMLElement);
  const input = element('files', HTMLInputElement);
  const clear = element('clear', HTMLButtonElement);
  const error = element('choose-error', HTMLElement);
  let files = new Map<string, NamedBlob>();
  const take = (more: readonly NamedBlob[]): void => {
    files = new Map([...files, ...more.map(file => [file.name, file] as const)]);
    clear.hidden = files.size === 0;
    showRoles(sortFiles([...files.values()]));
  };
  input.addEventListener('change', () => {
    take([...(input.files ?? [])].map(file => ({ name: file.name, blob: file })));
    input.value = '';
  });
  clear.addEventListener('click', () => {
    files = new Map();
    take([]);
    input.focus();
  });
  document.addEventListener('dragover', event => {
    event.preventDefault();
    panel.classList.add('over');
  });
  document.addEventListener('dragleave', event => {
    if (event.relatedTarget === null) panel.classList.remove('over');
  });
  document.addEventListener('drop', event => {
    event.preventDefault();
    panel.classList.remove('over');
    if (event.dataTransfer === null || event.dataTransfer.items.length === 0) return;
    chosen();
    droppedFiles(event.dataTransfer).then(take, thrown => showError(error, thrown));
  });
  take([]);
  return {
    files: () => sortFiles([...files.values()]),
    show(visible: boolean) {
      panel.hidden = !visible;
    },
  };
}

/** Which file has which role, and which roles have none. */
function showRoles({ config, vocab, checkpointNames, ignored }: ModelFiles): void {
  const roles: readonly (readonly [Word, readonly string[]])[] = [
    ['roleWeights', checkpointNames],
    ['roleConfig', config === undefined ? [] : [config.name]],
    // A cloze reader's configuration holds its words.
    ...(config?.name.endsWith('.config') ? [] : [['roleVocab', vocab === undefined ? [] : [vocab.name]] as const]),
  ];
  const rows = roles.flatMap(([role, names]) => {
    const shown = names.length === 0 ? makeWord('dd', 'lacking', 'lacking') : make('dd', 'found', names.join(', '));
    return [makeWord('dt', '', role), shown];
  });
  const rest = ignored.length === 0 ? [] : [makeWord('dt', '', 'roleIgnored'), make('dd', '', ignored.join(', '))];
  element('roles', HTMLElement).replaceChildren(...rows, ...rest);
}
