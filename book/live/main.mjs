// The one script that a page loads once its reader wants to run a kernel: everything but the data.
// @ts-check

import { V86 } from 'v86';
import { Chapter } from './chapter.mjs';
import { Page } from './page.mjs';

/** @type {Map<string, Promise<Uint8Array>>} */
const given = new Map();
/** @type {Promise<WebAssembly.Module>[] | undefined} */
let modules;

/**
 * Takes data from a script that `build.mjs` has made.
 *
 * @param {string} name
 * @param {string} data compressed, in base64
 */
export function give(name, data) {
    const bytes = Uint8Array.from(atob(data), character => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    given.set(name, new Response(stream).arrayBuffer().then(buffer => new Uint8Array(buffer)));
}

/**
 * A kernel that was given, before its first instruction.
 *
 * @param {string} name such as `09`
 */
async function open(name) {
    const file = async (/** @type {string} */ file) => /** @type {BufferSource & Uint8Array} */ (await given.get(file));
    modules ??= ['v86.wasm', 'drawing.wasm'].map(async part => WebAssembly.compile(await file(part)));
    const [v86, drawing] = await Promise.all(modules);
    const plan = JSON.parse(new TextDecoder().decode(await file(`${name}.json`)));
    return Chapter.open({ V86, v86, drawing, kernel: await file(`${name}.elf`), plan });
}

/**
 * Lets the reader run the kernel of a place in the page.
 *
 * @param {HTMLElement} place
 * @param {import('./page.mjs').Given} page
 */
export async function attach(place, page) {
    return new Page(place, page, await open(/** @type {string} */ (place.dataset.kernel)));
}
