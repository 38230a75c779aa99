// The one script that a page loads once its reader wants to run a kernel: everything except the data.
// @ts-check

import { V86 } from 'v86';
import { Chapter } from './chapter.mjs';
import { Page } from './page.mjs';

/** @type {Promise<WebAssembly.Module>[] | undefined} */
let modules;

/**
 * What the page and its scripts have in common: book/theme/live.js makes it. `given` holds the files that the scripts of
 * `build.mjs` have brought, compressed and in base64.
 *
 * @type {{ given: Map<string, string>, attach?: typeof attach }}
 */
const live = /** @type {any} */ (window).live;
live.attach = attach;

/** @param {string} name of a file that was given */
async function file(name) {
    const data = live.given.get(name);
    if (!data) {
        throw new Error(`${name} has not arrived`);
    }
    const bytes = Uint8Array.from(atob(data), character => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
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
async function attach(place, { load, ...page }) {
    modules ??= ['v86.wasm', 'drawing.wasm'].map(async part => WebAssembly.compile(await file(part)));
    const [v86, drawing] = await Promise.all(modules).catch(error => {
        modules = undefined; // the next try begins anew
        throw error;
    });
    const chapter = await Chapter.open({ V86, v86, drawing, ...await kernel(/** @type {string} */ (place.dataset.kernel)) });
    const other = async (/** @type {string} */ name) => {
        await load(name);
        return kernel(name);
    };
    return new Page(place, page, chapter, other);
}
