// The one script that a page loads once its reader wants to run a kernel: everything but the data.
// @ts-check

import { V86 } from 'v86';
import { Chapter } from './chapter.mjs';

/** @type {Map<string, Promise<Uint8Array>>} */
const given = new Map();

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

/** @type {Promise<WebAssembly.Module>[] | undefined} */
let modules;

/**
 * A kernel that was given, before its first instruction.
 *
 * @param {string} name such as `09`
 */
export async function open(name) {
    modules ??= ['v86', 'drawing'].map(async part => WebAssembly.compile(/** @type {BufferSource} */ (await given.get(part))));
    const [v86, drawing] = await Promise.all(modules);
    const { plan, kernel } = JSON.parse(new TextDecoder().decode(await given.get(name)));
    const bytes = Uint8Array.from(atob(kernel), character => character.charCodeAt(0));
    return Chapter.open({ V86, v86, drawing, kernel: bytes, plan });
}
