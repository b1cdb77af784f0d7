/**
 * node scripts/bootstrap.mjs <script.ts> [arguments]: runs a script of this project on a bare machine.
 *
 * Installs what the tree lacks, then runs the script with Node 24. It is plain JavaScript without dependencies, because
 * it runs before anything is installed and on whatever Node the machine has.
 */
const OLDEST_NODE = 20;

const major = Number(process.versions.node.split(".")[0]);
if (major < OLDEST_NODE) {
  console.error(`Cannot start: this is Node ${process.versions.node}, Holdfast needs Node ${OLDEST_NODE} or newer.`);
  console.error("Install it from https://nodejs.org, then run the same command again.");
  process.exit(1);
}

// Loaded only now: an old Node would fail on its syntax before it could say what is wrong.
void import("./bootstrap/main.mjs").then(({ main }) => main(process.argv.slice(2)));
