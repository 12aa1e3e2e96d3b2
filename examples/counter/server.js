// Each counter is a resource: Lever assigns it to one instance and routes every call that names it there. Its value can
// therefore live in memory, and no two calls add to it in two places.
const fs = require("node:fs");
const { join } = require("node:path");

const NAME_LENGTH_MAX = 100;
const folder = join(process.env.LEVEROS_DATA_DIR, "counters");
const values = new Map();

// Runs before the first call to a counter reaches this instance. The previous owner has closed it by then.
exports.newResource = (counter) => {
  if (counter.length > NAME_LENGTH_MAX) {
    throw new Error(`Cannot count: a counter's name has at most ${NAME_LENGTH_MAX} characters.`);
  }
  values.set(counter, load(counter));
};

// Runs after the last call to a counter: it was idle for a while, or another instance becomes its owner.
exports.closeResource = (counter) => {
  values.delete(counter);
};

exports.add = (counter, by = 1) => {
  const value = valueNow(counter);
  if (!Number.isSafeInteger(by)) throw new Error("Cannot count: the amount is not an integer.");
  save(counter, value + by);
  values.set(counter, value + by);
  return value + by;
};

exports.read = (counter) => valueNow(counter);

function valueNow(counter) {
  const value = values.get(counter);
  if (value === undefined)
    throw new Error("Cannot count: the URL names no counter (/counter/<name>/add).");
  return value;
}

function fileOf(counter) {
  return join(folder, `${encodeURIComponent(counter)}.json`);
}

function load(counter) {
  try {
    return JSON.parse(fs.readFileSync(fileOf(counter), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return 0;
    throw error;
  }
}

/**
 * Before the answer, and atomic: the rename replaces the old file only after the new one is on the disk. The folder is
 * flushed too, or a crash of the machine could undo the rename.
 */
function save(counter, value) {
  fs.mkdirSync(folder, { recursive: true });
  const draft = `${fileOf(counter)}.new`;
  fs.writeFileSync(draft, JSON.stringify(value), { flush: true });
  fs.renameSync(draft, fileOf(counter));
  const opened = fs.openSync(folder);
  fs.fsyncSync(opened);
  fs.closeSync(opened);
}
