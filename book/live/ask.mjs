// Asks the machine about an address: CR3, directory, table, frame, each step with its bits. And lets the reader change what
// she sees: a word, or a flag of an entry.
// @ts-check

import { button, element } from './page.mjs';

/**
 * @typedef {import('./chapter.mjs').Chapter} Chapter
 *
 * An address space in a picture's facts.
 * @typedef {{ name: string, directory: string }} Space
 * And a variable in it.
 * @typedef {{ variable: string, address: string }} Variable
 *
 * A word that the CPU reads on its way: see tools/memory-map, `translation`.
 * @typedef {{ place: string, start: string, field: string, bits: [number, number], number: number, at: string, value: string,
 *     frame?: string, flags?: Flag[] }} Step
 * @typedef {{ bit: number, name: string, is_set: boolean, meaning: string }} Flag
 * @typedef {{ address: string, cr3: string, steps: Step[], physical?: string, ends?: string }} Walk
 */

const PAGING_IS_ON = 0x80000000;
const WORDS = /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i;

export class Ask {
    /** @type {Space[]} */
    #spaces = [];
    /** @type {Variable[]} */
    #variables = [];
    /** @type {string[]} what the reader has changed since the kernel began */
    #changes = [];
    #address = 0;

    /**
     * @param {HTMLElement} panel
     * @param {Chapter} chapter
     */
    constructor(panel, chapter) {
        this.chapter = chapter;
        this.input = element('input', { type: 'text', size: 12, autocomplete: 'off', spellcheck: false });
        this.names = element('datalist', { id: 'live-names' });
        this.input.setAttribute('list', this.names.id);
        const form = element('form', { className: 'live-form' }, [
            this.names,
            element('label', {}, ['Walk the page tables for the address, or the variable, ', this.input]),
            element('button', { type: 'submit', textContent: 'Walk' }),
        ]);
        form.addEventListener('submit', event => {
            event.preventDefault();
            this.#submit();
        });
        this.answer = element('div', { className: 'live-answer' });
        this.changed = element('ul', { className: 'live-changes' });
        this.box = element('details', { className: 'live-ask', hidden: true }, [
            element('summary', { textContent: 'Ask the machine about an address, and change memory' }), form, this.answer, this.changed,
        ]);
        panel.append(this.box);
    }

    /** Whether the reader has changed something. */
    get hasChanges() {
        return this.#changes.length > 0;
    }

    /**
     * Takes the address spaces of a picture, and its variables.
     *
     * @param {Space[]} spaces
     * @param {Variable[]} variables
     */
    know(spaces, variables) {
        [this.#spaces, this.#variables] = [spaces, variables];
        const names = new Set(variables.map(({ variable }) => variable));
        this.names.replaceChildren(...Array.from(names, name => new Option('', name)));
    }

    /** The address space that the CPU uses, by its name in the picture. */
    get running() {
        const directory = hexadecimal(this.chapter.registers.CR3 & ~0xfff);
        return this.#spaces.find(space => space.directory === directory)?.name;
    }

    /** After each stop, and after each change. */
    refresh() {
        const { registers, state } = this.chapter;
        const hasPaging = (registers.CR0 & PAGING_IS_ON) !== 0;
        this.box.hidden = !hasPaging || state === 'running';
        if (state === 'ready') {
            [this.#spaces, this.#changes] = [[], []];
            this.changed.replaceChildren();
            this.answer.replaceChildren();
        }
        if (this.box.hidden) {
            return;
        }
        if (this.answer.hasChildNodes()) {
            this.#show();
        }
    }

    /** The address spaces in the picture, or the one that the CPU uses. */
    get #shown() {
        const directory = hexadecimal(this.chapter.registers.CR3 & ~0xfff);
        return this.#spaces.length ? this.#spaces : [{ name: 'the running address space', directory }];
    }

    /** Whether the answer is in sight. */
    get isOpen() {
        return this.box.open && !this.box.hidden;
    }

    /**
     * Shows the way to an address, in each address space.
     *
     * @param {number} address
     */
    about(address) {
        this.#address = address;
        this.input.value = hexadecimal(address);
        this.#show();
    }

    open() {
        this.box.open = true;
    }

    #submit() {
        const words = this.input.value.trim();
        const named = this.#variables.find(({ variable }) => variable === words)?.address;
        const address = named || WORDS.test(words) ? Number(named ?? words) : NaN;
        if (!(address <= 0xffffffff)) {
            const names = Array.from(this.names.options, ({ value }) => value).join(' or ');
            const like = `Type one like 0xc0000000${names && `, or ${names}`}.`;
            this.answer.replaceChildren(element('p', { textContent: `"${words}" is no address. ${like}` }));
            return;
        }
        this.about(address);
    }

    #show() {
        const cr4 = this.chapter.registers.CR4;
        try {
            const walks = this.#shown.map(({ name, directory }) => {
                const walk = /** @type {Walk} */ (this.chapter.ask({ walk: { cr3: Number(directory), cr4, address: this.#address } }));
                return { name, directory, walk };
            });
            this.answer.replaceChildren(...walks.map(found => this.#draw(found)), ...this.#compare(walks.map(({ walk }) => walk)));
        } catch (error) {
            this.answer.replaceChildren(element('p', { textContent: /** @type {Error} */ (error).message }));
        }
    }

    /** @param {{ name: string, directory: string, walk: Walk }} found */
    #draw({ name, directory, walk: { address, steps, physical, ends } }) {
        const last = ends ?? `The virtual address ${address} leads to the physical address ${physical}.`;
        return element('section', {}, [
            element('p', {}, [element('strong', { textContent: name }), ': while it runs, CR3 holds ', code(directory), ', the address of its page directory.']),
            element('ol', { className: 'live-walk' }, steps.map(step => this.#item(step))),
            element('p', { textContent: last }),
        ]);
    }

    /**
     * What two address spaces have in common at this address.
     *
     * @param {Walk[]} walks
     */
    #compare([one, other]) {
        if (!one?.physical || !other?.physical) {
            return [];
        }
        const isOneTable = one.steps[1]?.at === other.steps[1]?.at;
        const text = one.physical === other.physical
            ? `Both lead to the same frame: this page is linked.${isOneTable ? ' Even the page table is one and the same.' : ''}`
            : 'They lead to two frames.';
        return [element('p', {}, [element('strong', { textContent: text })])];
    }

    /** @param {Step} step */
    #item({ place, field, bits, number, at, value, frame, flags }) {
        const [highest, lowest] = bits;
        const where = `Bits ${highest} to ${lowest} of the address, the ${field}, are ${number}. `;
        if (!flags?.length) {
            return element('li', {}, [where, 'In the frame, the word at ', code(at), ' is ', code(value), ` (${Number(value)}). `, this.#writer(at, value)]);
        }
        const buttons = flags.map(flag => this.#flag(at, value, flag));
        return element('li', {}, [
            where, `In the ${place}, this entry, at `, code(at), ', is ', code(value), ...(frame ? ['. It points to ', code(frame)] : []), '. Its flags: ',
            element('span', { className: 'live-flags' }, buttons),
        ]);
    }

    /**
     * A flag of an entry, which a click turns over.
     *
     * @param {string} at
     * @param {string} value
     * @param {Flag} flag
     */
    #flag(at, value, { bit, name, is_set: isSet, meaning }) {
        const made = button(`${name} ${Number(isSet)}`, () => {
            this.#change(at, (Number(value) ^ 1 << bit) >>> 0, `the flag "${name}" of the entry at ${at} from ${Number(isSet)} to ${Number(!isSet)}`);
        });
        made.setAttribute('aria-pressed', String(isSet));
        made.setAttribute('aria-label', `${name} ${Number(isSet)}, in the entry at ${at}`);
        made.title = meaning;
        made.dataset.key = `${at}:${bit}`;
        return made;
    }

    /**
     * @param {string} at
     * @param {string} value
     */
    #writer(at, value) {
        const input = element('input', { type: 'text', size: 12, value: String(Number(value)) });
        input.setAttribute('aria-label', `Another value for the word at ${at}`);
        const write = element('button', { type: 'submit', textContent: 'Write it' });
        input.addEventListener('input', () => input.setCustomValidity(''));
        input.dataset.key = `${at}:word`;
        write.dataset.key = `${at}:write`;
        const form = element('form', { className: 'live-form' }, [input, write]);
        form.addEventListener('submit', event => {
            event.preventDefault();
            const words = input.value.trim();
            const word = WORDS.test(words) ? Number(words) : NaN;
            if (word <= 0xffffffff) {
                this.#change(at, word, `the word at ${at} from ${Number(value)} to ${word}`);
            } else {
                input.setCustomValidity('Type a number from 0 to 4294967295, like 42 or 0x2a.');
                input.reportValidity();
            }
        });
        return form;
    }

    /**
     * @param {string} at
     * @param {number} word
     * @param {string} what
     */
    #change(at, word, what) {
        this.#changes.push(`You have changed ${what}.`);
        this.changed.replaceChildren(...this.#changes.map(text => element('li', { textContent: text })));
        // The answer is drawn anew, and with it what has the focus.
        const { key } = /** @type {HTMLElement} */ (document.activeElement).dataset;
        this.chapter.write(Number(at), word);
        const made = /** @type {HTMLElement[]} */ (Array.from(this.answer.querySelectorAll('[data-key]')));
        made.find(({ dataset }) => key && dataset.key === key)?.focus();
    }
}

/** @param {string} text */
const code = text => element('code', { textContent: text });

/** @param {number} word */
export const hexadecimal = word => `0x${(word >>> 0).toString(16).padStart(8, '0')}`;
