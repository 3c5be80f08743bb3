/** Reads what was dropped or chosen: files, and folders with all that is in them. */

/**
 * @typedef {{file: File, path: string}} Dropped `path`: below the folder that was dropped
 * @typedef {{name: string|null, files: Dropped[]}} Drop `name`: of the folder, null for single files
 */

// The browser's guess for these is text, a program, an archive: they are not sent.
const NEVER_MEDIA = /^(text|font|model|message|multipart)\/|^application\/(zip|pdf|json|javascript|x-(tar|gzip|7z))/;

/** @param {DataTransfer} transfer @returns {Promise<Drop>} */
export async function readDrop(transfer) {
  // The list is emptied when the event ends: all entries are taken before the first wait.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return readChosen(transfer.files);
  const files = (await Promise.all(entries.map((entry) => filesOf(entry)))).flat();
  const folders = entries.filter((entry) => entry.isDirectory);
  return { name: folders.length ? folders[0].name : null, files: visible(files) };
}

/** @param {FileList} list of an input; with a folder chosen its paths begin with the folder's name @returns {Drop} */
export function readChosen(list) {
  const files = [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  const folder = files[0]?.path.includes("/") ? files[0].path.split("/")[0] : null;
  return { name: folder, files: visible(files) };
}

/** @returns {Promise<Dropped[]>} */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const inside = await entriesOf(entry.createReader());
  return (await Promise.all(inside.map((each) => filesOf(each)))).flat();
}

/** A reader gives at most a hundred entries at once. */
async function entriesOf(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

/** Without hidden files, in the order of their paths. */
function visible(files) {
  const shown = files.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
  return shown.sort((one, other) => one.path.localeCompare(other.path));
}

/** Whether the browser knows that a file is no media. What it does not know, the service looks at. */
export function isNoMedia(file) {
  return NEVER_MEDIA.test(file.type);
}
