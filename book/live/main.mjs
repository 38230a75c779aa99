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

/** @param {string} name of a file */
async function file(name) {
    return /** @type {BufferSource & Uint8Array} */ (await given.get(name));
}

/**
 * A kernel that was given.
 *
 * @param {string} name such as `09`
 */
async function kernel(name) {
    const plan = JSON.parse(new TextDecoder().decode(await file(`${name}.json`)));
    return { kernel: await file(`${name}.elf`), plan };
}

/**
 * Lets the reader run the kernel of a place in the page. `load` brings another script that gives a kernel.
 *
 * @param {HTMLElement} place
 * @param {import('./page.mjs').Given & { load: (name: string) => Promise<void> }} page
 */
export async function attach(place, { load, ...page }) {
    modules ??= ['v86.wasm', 'drawing.wasm'].map(async part => WebAssembly.compile(await file(part)));
    const [v86, drawing] = await Promise.all(modules);
    const chapter = await Chapter.open({ V86, v86, drawing, ...await kernel(/** @type {string} */ (place.dataset.kernel)) });
    const other = async (/** @type {string} */ name) => {
        await load(name);
        return kernel(name);
    };
    return new Page(place, page, chapter, other);
}
