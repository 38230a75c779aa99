// Draws what lies in the memory of a machine. The work is done by the project's own code (tools/live), compiled to WebAssembly:
// a request in JSON goes in together with the memory, and an answer in JSON comes out.
// @ts-check

/**
 * The functions of the WebAssembly.
 *
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {(bytes: number) => number} room
 * @property {(address: number, bytes: number) => void} release
 * @property {(request: number, requestBytes: number, memory: number, memoryBytes: number) => number} ask
 * @property {() => number} answer
 */

const NOTHING = new Uint8Array(0);

export class Drawing {
    /** @type {Exports} */
    #wasm;

    /** @param {Exports} wasm */
    constructor(wasm) {
        this.#wasm = wasm;
    }

    /** @param {WebAssembly.Module} module */
    static async start(module) {
        const { exports } = await WebAssembly.instantiate(module);
        return new Drawing(/** @type {Exports} */ (/** @type {unknown} */ (exports)));
    }

    /**
     * @param {Record<string, unknown>} request
     * @param {Uint8Array} [memory]
     * @returns {any}
     */
    ask(request, memory = NOTHING) {
        const wasm = this.#wasm;
        const given = [new TextEncoder().encode(JSON.stringify(request)), memory].map(bytes => {
            const address = wasm.room(bytes.length);
            new Uint8Array(wasm.memory.buffer, address, bytes.length).set(bytes);
            return { address, bytes: bytes.length };
        });
        const length = wasm.ask(given[0].address, given[0].bytes, given[1].address, given[1].bytes);
        given.forEach(({ address, bytes }) => wasm.release(address, bytes));
        const answer = new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, wasm.answer(), Math.abs(length)));
        if (length < 0) {
            throw new Error(answer);
        }
        return JSON.parse(answer);
    }
}
