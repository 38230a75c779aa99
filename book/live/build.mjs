// Makes what the book's pages load once a reader wants to run a kernel: classic scripts, which work from a disk as well as
// from a server. Each holds its data compressed, in base64. `make book` calls this after it has built kernels and drawing.
//
//     node build.mjs FOLDER    takes kernels, plans and the drawing from FOLDER, and writes the scripts to ../src/live

import { build } from 'esbuild';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const from = process.argv[2];
const to = join(here, '../src/live');

rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });

await build({
    entryPoints: [join(here, 'main.mjs')],
    outfile: join(to, 'live.js'),
    bundle: true,
    format: 'iife',
    minify: true,
    target: 'es2022',
    // What v86 has for Node, no page needs, and neither its workers: see machine.mjs.
    define: { process: 'undefined', require: 'undefined', Worker: 'undefined', 'globalThis.scheduler': 'undefined' },
    external: ['node:*', 'crypto', 'fs', 'perf_hooks'],
    legalComments: 'none',
    banner: { js: '// With v86, https://copy.sh/v86/. Its license is in ../licenses.txt.' },
    logLevel: 'warning',
});

/**
 * WebAssembly without what only a debugger reads, which is a quarter of v86: its custom sections (WebAssembly Core
 * Specification, 5.5.3 "Custom Section").
 *
 * @param {Buffer} bytes
 */
function withoutCustomSections(bytes) {
    const [HEADER, CUSTOM] = [8, 0];
    const kept = [bytes.subarray(0, HEADER)];
    for (let at = HEADER; at < bytes.length;) {
        let end = at + 1;
        let size = 0;
        for (let shift = 0, more = true; more; shift += 7) { // LEB128
            size += (bytes[end] & 0x7f) << shift;
            more = bytes[end++] >= 0x80;
        }
        end += size;
        if (bytes[at] !== CUSTOM) {
            kept.push(bytes.subarray(at, end));
        }
        at = end;
    }
    return Buffer.concat(kept);
}

/** @type {(script: string, files: Record<string, string>) => void} */
const put = (script, files) => {
    const give = ([name, path]) => {
        const bytes = readFileSync(path);
        const content = name.endsWith('.wasm') ? withoutCustomSections(bytes) : bytes;
        return `live.given.set("${name}", "${gzipSync(content, { level: 9 }).toString('base64')}");\n`;
    };
    writeFileSync(join(to, `${script}.js`), Object.entries(files).map(give).join(''));
};
put('v86', { 'v86.wasm': join(here, 'node_modules/v86/build/v86.wasm') });
put('drawing', { 'drawing.wasm': join(from, 'drawing.wasm') });
for (const file of readdirSync(from).filter(file => file.endsWith('.elf'))) {
    const name = basename(file, '.elf');
    put(name, { [`${name}.elf`]: join(from, file), [`${name}.json`]: join(from, `${name}.json`) });
}
