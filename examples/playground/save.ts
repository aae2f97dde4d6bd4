/**
 * A model directory as one file to download: POSIX tar (ustar), which is headers of 512 bytes between the files' own bytes.
 * Files stay where they are until the browser writes the archive, so it may be larger than memory.
 *
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar Interchange Format)
 */

const BLOCK = 512;

/** An archive of files by name. @throws Error for a name of more than 100 bytes. */
export function tarOf(files: ReadonlyMap<string, Blob>, now = new Date()): Blob {
  const parts = [...files].flatMap(([name, blob]) => [
    header(name, blob.size, now),
    blob,
    new Uint8Array((BLOCK - (blob.size % BLOCK)) % BLOCK),
  ]);
  return new Blob([...parts, new Uint8Array(2 * BLOCK)], { type: 'application/x-tar' });
}

function header(name: string, size: number, now: Date): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BLOCK);
  const write = (offset: number, text: string): void => bytes.set(new TextEncoder().encode(text), offset);
  if (new TextEncoder().encode(name).length > 100) throw new Error(`too long a name for an archive: ${name}`);
  write(0, name);
  write(100, '0000644\0');
  write(108, '0000000\0');
  write(116, '0000000\0');
  write(124, `${octal(size)}\0`);
  write(136, `${octal(Math.floor(now.getTime() / 1000))}\0`);
  write(148, ' '.repeat(8));
  write(156, '0');
  write(257, 'ustar\x0000');
  const sum = bytes.reduce((all, byte) => all + byte, 0);
  write(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return bytes;
}

/** Eleven octal digits hold 8 GiB. */
function octal(value: number): string {
  return value.toString(8).padStart(11, '0');
}

/** The files of the model directory that `opfsSink` published last in a folder: `.current` names the sub-folder in use. */
export async function publishedFiles(directory: FileSystemDirectoryHandle): Promise<ReadonlyMap<string, Blob>> {
  const current = await (await directory.getFileHandle('.current')).getFile();
  return filesIn(await directory.getDirectoryHandle(await current.text()));
}

async function filesIn(folder: FileSystemDirectoryHandle, prefix = ''): Promise<ReadonlyMap<string, Blob>> {
  const files = new Map<string, Blob>();
  for await (const [name, entry] of folder.entries()) {
    if (entry instanceof FileSystemFileHandle) files.set(prefix + name, await entry.getFile());
    else
      for (const [inner, blob] of await filesIn(entry as FileSystemDirectoryHandle, `${prefix}${name}/`))
        files.set(inner, blob);
  }
  return files;
}

/** Offers a blob as a file to keep. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has to have begun reading before the address goes.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
