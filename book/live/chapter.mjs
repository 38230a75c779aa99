// One chapter's kernel, from moment to moment: what a page shows and lets its reader do, without the page.
//
// A run always stops at the same instructions in the same order, whatever the reader has asked for, so that every run is
// the same. "Previous" is a new run up to the moment before.
// @ts-check

import { Drawing } from './drawing.mjs';
import { clearCommandLine } from './loader.mjs';
import { Machine } from './machine.mjs';

/**
 * A place to stop. If it `repeats`, the kernel comes there again and again until it comes to the next stop. The last one is the
 * end of the demonstration; the reader sees no stop there.
 *
 * @typedef {{ title: string, addresses: number[], picture: string | null, repeats: boolean }} PlannedStop
 *
 * What is known of a chapter besides its kernel: tools/pictures writes it when the book is built.
 * @typedef {object} Plan
 * @property {string} chapter
 * @property {number} memory_bytes
 * @property {{ address: number, bytes: string }} boot_information
 * @property {PlannedStop[]} stops
 * @property {unknown} scene what the drawing has to know
 * @property {Mistake[]} [mistakes] for the chapter's own kernel, the others that can be tried in its place
 *
 * A kernel with a known mistake: the name of its files, what was done wrong, and what to look at.
 * @typedef {{ name: string, title: string, look: string }} Mistake
 *
 * @typedef {{ V86: any, v86: WebAssembly.Module, drawing: WebAssembly.Module, kernel: Uint8Array, plan: Plan }} Parts
 *
 * Where the kernel is: at a stop of the plan, and how often it has come there since the stop before; null if it is between
 * two stops, because the reader has paused it.
 * @typedef {{ stop: number, times: number }} Place
 *
 * @typedef {'ready' | 'running' | 'stopped' | 'paused' | 'ended'} State
 *
 * Pictures and their facts, by the names of the book's files.
 * @typedef {Record<string, string>} Files
 */

/** What a kernel writes to the exit port: common/src/qemu.rs. */
const GOOD = 0x10;

export class Chapter {
    /** @type {Parts} */
    #parts;
    /** @type {Drawing} */
    #drawing;
    /** @type {Machine} */
    #machine;
    /** @type {TextDecoder} */
    #decoder;
    /** @type {number[]} the bytes of the log that have not been shown */
    #log = [];
    /** The stop that comes next, and how often the kernel has come there already. */
    #next = 0;
    #times = 0;
    /** How many moments have been shown. */
    #passed = 0;
    #isAlone = true;
    /** @type {Promise<void>} */
    #rest = Promise.resolve();
    /** The number of the latest order, and of the one that is being carried out. */
    #order = 0;
    #current = 0;
    /** @type {Promise<void>} */
    #work = Promise.resolve();

    /** @type {State} */
    state = 'ready';
    /** @type {Place | null} */
    place = null;
    /** @type {string | null} how the kernel has ended, in a sentence */
    ending = null;

    /** @type {string | null} why there is no picture of this moment, in a sentence */
    trouble = null;

    /** @type {(text: string) => void} */
    onlog = () => {};
    /** @type {(files: Files) => void} */
    onpicture = () => {};
    /** @type {() => void} after each change of `state`, `place` and `ending`. When it is `ready`, the log is empty again */
    onstate = () => {};

    /**
     * A chapter's kernel before its first instruction.
     *
     * @param {Parts} parts
     */
    static async open(parts) {
        const chapter = new Chapter();
        chapter.#parts = parts;
        await chapter.#restart();
        return chapter;
    }

    get mistakes() {
        return this.#parts.plan.mistakes ?? [];
    }

    /** The title of the moment where the kernel is. */
    get title() {
        const { title, repeats } = this.#parts.plan.stops[this.place?.stop ?? 0];
        return repeats ? `${title} (${this.place?.times})` : title;
    }

    /** The number of instructions so far. */
    get instructions() {
        return this.#machine.instructions;
    }

    get registers() {
        return this.#machine.registers;
    }

    /** Runs on to the next moment, or to the end. */
    next() {
        return this.#obey(() => this.#toNextMoment());
    }

    /** Begins again, and runs to the moment before. */
    previous() {
        return this.#obey(async () => {
            let before = this.place ? this.#passed - 1 : this.#passed;
            await this.#restart();
            while (before-- > 0 && await this.#toNextMoment()) {}
        });
    }

    /**
     * Runs to a moment; if it has passed, begins again. If there is no such moment, runs to the end.
     *
     * @param {number} stop its number in the plan
     */
    to(stop) {
        return this.#obey(async () => {
            if (this.place?.stop !== stop && this.#next > stop) {
                await this.#restart();
            }
            while (this.place?.stop !== stop && await this.#toNextMoment()) {}
        });
    }

    /** Runs to the end, or until it is paused. */
    runOn() {
        return this.#obey(async () => {
            while (await this.#toNextMoment()) {}
        });
    }

    /** Stops wherever the kernel is. */
    pause() {
        return this.#obey(async () => {});
    }

    /**
     * Goes back to before the first instruction. What the reader has written is gone.
     *
     * @param {{ alone: boolean }} [who] if true, the kernel presses a key by itself; if false, it waits for the reader's
     */
    startAgain({ alone } = { alone: this.#isAlone }) {
        this.#isAlone = alone;
        return this.#obey(() => this.#restart());
    }

    /**
     * Goes back to before the first instruction of another kernel.
     *
     * @param {{ kernel: Uint8Array, plan: Plan }} other
     */
    use({ kernel, plan }) {
        return this.#obey(() => {
            this.#parts = { ...this.#parts, kernel, plan };
            return this.#restart();
        });
    }

    /**
     * Types to the kernel, by the serial port.
     *
     * @param {string} text
     */
    type(text) {
        this.#machine.type(text);
    }

    /**
     * The kernel runs no further until this comes.
     *
     * @param {Promise<void>} end
     */
    restUntil(end) {
        this.#rest = this.#machine.rest = end;
    }

    /**
     * Asks the drawing about memory as it is now: see tools/live.
     *
     * @param {Record<string, unknown>} request
     */
    ask(request) {
        return this.#drawing.ask(request, this.#machine.memory);
    }

    /**
     * Writes a word to physical memory, and shows what that has changed.
     *
     * @param {number} address
     * @param {number} word
     */
    write(address, word) {
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setUint32(0, word, true);
        this.#machine.write(address, bytes);
        this.show();
        this.onstate();
    }

    /** Draws memory as it is now. */
    show() {
        const { stops } = this.#parts.plan;
        this.#draw(stops.some(({ picture }) => picture) && { now: { registers: this.#machine.registers } });
    }

    /** Lets go of everything. */
    async close() {
        await this.pause();
        this.#machine.close();
    }

    /**
     * Carries out an order, once the order before it has been broken off.
     *
     * @param {() => Promise<unknown>} work
     */
    async #obey(work) {
        const order = ++this.#order;
        this.#machine.pause();
        const before = this.#work;
        this.#work = before.catch(() => {}).then(async () => {
            if (order !== this.#order) {
                return;
            }
            this.#current = order;
            try {
                await work();
            } catch (error) {
                this.ending = `The kernel cannot go on here: ${/** @type {any} */ (error)?.message ?? error}.`;
                this.#enter('ended');
            }
        });
        await this.#work;
    }

    async #restart() {
        const { V86, v86: wasm, kernel, plan } = this.#parts;
        this.#machine?.close();
        const { address, bytes } = plan.boot_information;
        const information = { address, bytes: Uint8Array.from(bytes.match(/../g) ?? [], digits => parseInt(digits, 16)) };
        if (!this.#isAlone) {
            clearCommandLine(information.bytes);
        }
        this.#machine = await Machine.start({ V86, wasm, kernel, information, memoryBytes: plan.memory_bytes });
        this.#machine.rest = this.#rest;
        this.#machine.paced = !this.#isAlone;
        this.#machine.onbyte = byte => this.#log.push(byte);
        this.#machine.onturn = () => this.#showLog();
        this.#decoder = new TextDecoder();
        // Another one, because a drawing that has failed would never answer again.
        this.#drawing = await Drawing.start(this.#parts.drawing);
        this.#drawing.ask({ begin: plan.scene });
        [this.#next, this.#times, this.#passed, this.#log] = [0, 0, 0, []];
        [this.place, this.ending, this.trouble] = [null, null, null];
        this.#enter('ready');
    }

    /**
     * Runs on to the next moment. Returns whether the kernel can go on from there, and is to.
     */
    async #toNextMoment() {
        while (this.state !== 'ended' && this.#current === this.#order) {
            this.place = null;
            this.#enter('running');
            const { stops } = this.#parts.plan;
            const awaited = stops.slice(this.#next, this.#next + 2);
            const addresses = awaited.length && awaited[0].repeats ? awaited.flatMap(stop => stop.addresses) : awaited[0]?.addresses;
            const stop = await this.#machine.runTo(addresses ?? []);
            this.#showLog();
            if ('ended' in stop) {
                this.ending = sentence(stop.ended, this.#next === stops.length);
                if (!isGood(stop.ended) && !this.trouble) {
                    this.#drawScreen();
                }
                this.#enter('ended');
                return false;
            }
            if ('paused' in stop) {
                this.show();
                this.#enter('paused');
                return false;
            }
            this.#reach(stop.at);
            if (this.#next < stops.length) {
                this.#passed++;
                this.#enter('stopped');
                return this.#current === this.#order;
            }
        }
        return false;
    }

    /**
     * Draws the stop that the kernel has come to.
     *
     * @param {number} address
     */
    #reach(address) {
        const { stops } = this.#parts.plan;
        if (!stops[this.#next].addresses.includes(address)) {
            this.#next++;
            this.#times = 0;
        }
        const stop = this.#next;
        this.place = { stop, times: ++this.#times };
        if (!stops[stop].repeats) {
            this.#next++;
            this.#times = 0;
        }
        this.#draw(stops[stop].picture && { moment: { stop, registers: this.#machine.registers } });
    }

    /** @param {State} state */
    #enter(state) {
        this.state = state;
        this.onstate();
    }

    #showLog() {
        const text = this.#decoder.decode(Uint8Array.from(this.#log.splice(0)), { stream: true });
        if (text) {
            this.onlog(text);
        }
    }

    /**
     * Shows a picture, and the screen. A kernel with a mistake may have made a picture impossible, and runs on all the same.
     *
     * @param {Record<string, unknown> | '' | null | false} request nothing if the chapter has no picture
     */
    #draw(request) {
        this.trouble = null;
        try {
            if (request) {
                this.onpicture(this.ask(request).files);
            }
        } catch (error) {
            this.trouble = `The picture cannot be drawn: ${/** @type {Error} */ (error).message.replace(/\.$/, '')}.`;
            return;
        }
        this.#drawScreen();
    }

    #drawScreen() {
        const { text, cursor } = this.#machine.screen;
        const isEnd = this.#next === this.#parts.plan.stops.length;
        this.onpicture(this.#drawing.ask({ screen: { cursor, is_end: isEnd } }, text).files);
    }
}

/** @param {import('./machine.mjs').Ending} ending */
function isGood(ending) {
    return 'said' in ending && ending.said === GOOD;
}

/**
 * How a kernel has ended.
 *
 * @param {import('./machine.mjs').Ending} ending
 * @param {boolean} isOver whether it has come to the end of its demonstration
 */
function sentence(ending, isOver) {
    if ('said' in ending) {
        return `The kernel has ended, and reports ${isGood(ending) ? 'success' : 'a failure'}.`;
    }
    if ('halted' in ending) {
        return isOver ? 'The demonstration is over, and the kernel has halted the CPU.' : 'The CPU is halted with interrupts off: nothing can happen any more.';
    }
    return 'An exception came while the CPU entered the handler of another: a double fault. This emulator cannot go on from there.';
}
