/**
 * Where the playground keeps its model: one folder of the origin's private file system.
 */
const FOLDER = 'playground';

/** The folder, made where it is not there yet. */
export async function modelFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}
