/**
 * The part of the browsers' extension interface that this extension uses.
 */

interface ExtensionEvent<Listener> {
  addListener(listener: Listener): void;
}

interface ExtensionApi {
  readonly runtime: {
    readonly onInstalled: ExtensionEvent<() => void>;
    /** A listener that returns true sends its reply later. */
    readonly onMessage: ExtensionEvent<
      (message: unknown, sender: unknown, sendResponse: (reply: unknown) => void) => boolean
    >;
    getURL(path: string): string;
    sendMessage(message: unknown): Promise<unknown>;
  };
  readonly action: { readonly onClicked: ExtensionEvent<() => void> };
  readonly contextMenus: {
    readonly onClicked: ExtensionEvent<(info: { readonly selectionText?: string }) => void>;
    create(item: { readonly id: string; readonly title: string; readonly contexts: readonly string[] }): void;
  };
  readonly storage: {
    readonly session: {
      get(key: string): Promise<Readonly<Record<string, unknown>>>;
      set(values: Readonly<Record<string, unknown>>): Promise<void>;
    };
  };
  readonly windows: {
    create(options: {
      readonly url: string;
      readonly type: 'popup';
      readonly width: number;
      readonly height: number;
    }): Promise<unknown>;
  };
}

/** The browser's own object. */
export const { chrome } = globalThis as unknown as { readonly chrome: ExtensionApi };
