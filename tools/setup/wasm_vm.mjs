// MicroPython's WebAssembly port as a program with the unix port's words: [-X heapsize=N[km]] (-c CODE | SCRIPT) [ARGUMENT...]
// In: the folder of the npm package, then those words; MICROPYPATH names the folders of modules.
// Out: the VM's own output and exit code. Its files live in memory: .py and .json of those folders are copied there first.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const KEPT = /\.(py|json)$/;
// the port has no os.urandom, which settings and journal ask for
const OS = "from uos import *\nfrom random import getrandbits\n\n\ndef urandom(n):\n    return bytes([getrandbits(8) for _ in range(n)])\n";
const UNITS = { k: 1024, m: 1024 * 1024 };

function heapBytes(text) {
    const [, count, unit] = /^heapsize=(\d+)([km]?)$/.exec(text);
    return Number(count) * (UNITS[unit] || 1);
}

function copy(FS, folder) {
    FS.mkdirTree(folder);
    for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        if (statSync(path).isDirectory()) {
            if (name !== "__pycache__") copy(FS, path);
        } else if (KEPT.test(name)) {
            FS.writeFile(path, readFileSync(path));
        }
    }
}

function program(words) {
    if (words[0] === "-c") return { code: words[1], argv: ["-c", ...words.slice(2)] };
    const path = resolve(words[0]);
    return { path, code: readFileSync(path, "utf8"), argv: [path, ...words.slice(1)] };
}

const [home, ...words] = process.argv.slice(2);
const heapsize = words[0] === "-X" ? heapBytes(words.splice(0, 2)[1]) : 2 * UNITS.m;
const { loadMicroPython } = await import(resolve(home, "micropython.mjs"));
const vm = await loadMicroPython({
    heapsize,
    linebuffer: true,
    stdout: (line) => console.log(line),
    stderr: (line) => console.error(line),
});
const { path, code, argv } = program(words);
const folders = (process.env.MICROPYPATH || "").split(":").filter((name) => name && name !== ".frozen");
for (const folder of folders) copy(vm.FS, folder);
if (path) copy(vm.FS, dirname(path));
vm.FS.mkdirTree("/vm");
vm.FS.writeFile("/vm/os.py", OS);
const list = (values) => JSON.stringify(values);
vm.runPython(`import sys; sys.path[:] = ${list(["/vm", "", ...folders, ".frozen"])}; sys.argv[:] = ${list(argv)}`);
if (path) vm.runPython(`__file__ = ${JSON.stringify(path)}`);
let exitCode = 0;
try {
    vm.runPython(code);
} catch (error) {
    const ended = error.type === "SystemExit" && /SystemExit: ?(\d*)\s*$/.exec(error.message);
    if (!ended) console.error(error.message ?? error);
    exitCode = ended ? Number(ended[1] || 0) : 1;
}
// at once: node's orderly end waits for compilations of WebAssembly under way, and was seen to wait for ever
process.exit(exitCode);
