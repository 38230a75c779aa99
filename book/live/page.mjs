// The controls of a kernel in its page, its log, and its pictures in place of the printed ones.
// @ts-check

import { Ask, hexadecimal } from './ask.mjs';

/**
 * @typedef {import('./chapter.mjs').Chapter} Chapter
 * @typedef {import('./chapter.mjs').Files} Files
 *
 * What the page has made already: the row of buttons, the one that was pressed, and a line for what goes on.
 * @typedef {{ controls: HTMLElement, start: HTMLElement, status: HTMLElement }} Given
 */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Partial<HTMLElementTagNameMap[T]> & { className?: string }} [properties]
 * @param {(Node | string)[]} [content]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, content = []) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...content);
    return made;
}

/**
 * @param {string} text
 * @param {() => void} onclick
 */
export function button(text, onclick) {
    return element('button', { type: 'button', textContent: text, onclick });
}

/** A longer log loses its beginning. In characters. */
const MOST_TEXT = 200_000;
/** A pointer that stays on a region for so many milliseconds asks about it. */
const STAY = 400;

export class Page {
    /**
     * @param {HTMLElement} place
     * @param {Given} given
     * @param {Chapter} chapter
     * @param {(name: string) => Promise<{ kernel: Uint8Array, plan: import('./chapter.mjs').Plan }>} other brings another kernel
     */
    constructor(place, { controls, start, status }, chapter, other) {
        this.place = place;
        this.chapter = chapter;
        this.status = status;
        this.isStepper = place.classList.contains('stepper');
        /** Whether a kernel with a mistake runs. */
        this.isBroken = false;
        /** @type {Map<Element, Node[]>} the printed pictures, by the boxes that they stand in */
        this.printed = new Map();

        this.previous = button('← Previous', () => chapter.previous());
        this.next = button('Next →', () => chapter.next());
        this.run = button('Run on', () => chapter.state === 'running' ? chapter.pause() : chapter.runOn());
        this.again = button('Start again', () => chapter.startAgain());
        const hadFocus = document.activeElement === start;
        start.replaceWith(...this.isStepper ? [] : [this.previous, this.next], this.run, this.again);
        if (hadFocus) {
            this.run.focus({ preventScroll: true });
        }

        this.text = document.createTextNode('');
        this.log = element('pre', { className: 'live-log', tabIndex: 0 }, [this.text]);
        this.log.setAttribute('role', 'log');
        this.log.setAttribute('aria-label', 'The kernel\'s log');
        controls.after(this.log);
        this.screen = element('div', { className: 'picture-scroll', tabIndex: 0 }, ['Nothing is on it yet.']);
        this.screen.setAttribute('role', 'group');
        this.screen.setAttribute('aria-label', 'The screen of the machine');
        this.panel = element('div', { className: 'live-panel' });
        if (!place.querySelector('[id$="-screen"].picture')) {
            const figure = element('figure', { className: 'picture' }, [this.screen]);
            this.panel.append(element('details', {}, [element('summary', { textContent: 'The screen of the machine' }), figure]));
        }
        this.ask = new Ask(this.panel, chapter);
        if ('typing' in place.dataset) {
            this.log.after(this.#keyboard());
        }
        if (chapter.mistakes.length > 0) {
            this.panel.prepend(this.#choice(/** @type {string} */ (place.dataset.kernel), other));
        }
        place.append(this.panel);

        chapter.onlog = text => this.#write(text);
        chapter.onpicture = files => this.#draw(files);
        chapter.onstate = () => this.#tell();
        // The stepper's buttons and keys. Before the first instruction, "Next" leads to the first moment.
        place.addEventListener('step', event => {
            event.preventDefault();
            const { detail } = /** @type {CustomEvent} */ (event);
            chapter.to(chapter.state === 'ready' && detail === 1 ? 0 : detail);
        });
        // Elsewhere in this place, the arrow keys step, as they do in a stepper, and do not turn mdBook's pages.
        if (!this.isStepper) {
            place.addEventListener('keydown', event => {
                const step = { ArrowLeft: this.previous, ArrowRight: this.next }[event.key];
                if (step && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
                    event.stopPropagation();
                    event.preventDefault();
                    step.click();
                }
            });
        }
        // Where these boxes scroll sideways, the arrow keys scroll them.
        for (const box of [this.log, this.screen]) {
            box.addEventListener('keydown', event => {
                const { key } = /** @type {KeyboardEvent} */ (event);
                if (['ArrowLeft', 'ArrowRight'].includes(key) && box.scrollWidth > box.clientWidth) {
                    event.stopPropagation();
                }
            });
        }
        keepKeys(this.panel);
        this.#restWhenUnseen();
        this.#tell();
        // She has asked to see it run.
        chapter.to(Math.max(0, Array.from(place.querySelectorAll(':scope > section')).findIndex(section => section.matches('.shown'))));
    }

    /**
     * The right kernel, and those with a known mistake.
     *
     * @param {string} right
     * @param {(name: string) => Promise<{ kernel: Uint8Array, plan: import('./chapter.mjs').Plan }>} other
     */
    #choice(right, other) {
        const { chapter } = this;
        const { mistakes } = chapter;
        const options = mistakes.map(({ name, title }) => new Option(`mistake: ${title}`, name));
        const select = element('select', {}, [new Option('the right kernel', right), ...options]);
        const look = element('p', { className: 'live-look' });
        let running = right;
        select.addEventListener('change', async () => {
            const name = select.value;
            look.textContent = 'This kernel is being loaded …';
            try {
                const files = await other(name);
                if (select.value === name) { // and no other has been chosen meanwhile
                    running = name;
                    this.isBroken = name !== right;
                    await chapter.use(files);
                    look.textContent = mistakes.find(mistake => mistake.name === name)?.look ?? '';
                }
            } catch (error) {
                select.value = running;
                look.textContent = `That kernel cannot run here: ${/** @type {Error} */ (error).message}.`;
            }
        });
        return element('div', {}, [element('div', { className: 'live-form' }, [element('label', {}, ['Run ', select])]), look]);
    }

    /** For a kernel that waits for what somebody types. */
    #keyboard() {
        const { chapter } = this;
        const keys = element('input', { type: 'text', size: 4, autocomplete: 'off', disabled: true });
        const willType = element('input', { type: 'checkbox' });
        willType.addEventListener('change', () => {
            keys.disabled = !willType.checked;
            chapter.startAgain({ alone: !willType.checked });
        });
        keys.addEventListener('input', () => {
            chapter.type(keys.value);
            keys.value = '';
        });
        const form = element('div', { className: 'live-form' }, [
            element('label', {}, [willType, ' I will type. The kernel waits for my keys, and its clock runs as fast as mine.']),
            element('label', {}, [' Type here: ', keys]),
        ]);
        keepKeys(form);
        return form;
    }

    /** @param {string} text */
    #write(text) {
        const isAtEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 4;
        this.text.appendData(text.replaceAll('\r', ''));
        if (this.text.length > MOST_TEXT) {
            this.text.deleteData(0, MOST_TEXT / 2);
        }
        if (isAtEnd) {
            this.log.scrollTop = this.log.scrollHeight;
        }
    }

    /** @param {Files} files */
    #draw(files) {
        for (const [name, content] of Object.entries(files)) {
            const [picture, ending] = name.split('.');
            if (name.endsWith('-screen.svg') && !this.place.querySelector('[id$="-screen"].picture')) {
                // The printed screen is elsewhere on the page, and has these names.
                this.screen.replaceChildren(fragment(content.replaceAll(`picture-${picture}`, 'live-screen')));
                continue;
            }
            const figure = this.place.querySelector(`#picture-${CSS.escape(picture)}`);
            if (figure && ending === 'svg') {
                this.#replace(figure.querySelector('.picture-scroll'), content);
                this.#replace(figure.querySelector('figcaption'), escaped(figure.querySelector('svg > title')?.textContent?.trim() ?? ''));
                figure.classList.add('is-live');
                figure.toggleAttribute('data-drawn', true);
                this.#letAsk(figure);
            } else if (figure && ending === 'md') {
                this.#replace(figure.querySelector('details'), tables(content), 'summary');
            }
            if (ending === 'json') {
                const { spaces, memory, values } = JSON.parse(content);
                if (spaces && memory.length) { // and no summary
                    this.ask.know(spaces, values);
                }
            }
        }
    }

    /**
     * @param {Element | null} box
     * @param {string} html
     * @param {string} [kept] what stays in the box
     */
    #replace(box, html, kept) {
        if (!box) {
            return;
        }
        if (!this.printed.has(box)) {
            this.printed.set(box, Array.from(box.childNodes));
            // What stands below a picture that grows does not move.
            /** @type {HTMLElement} */ (box).style.minHeight = kept ? '' : `${/** @type {HTMLElement} */ (box).offsetHeight}px`;
        }
        const first = kept ? [/** @type {Element} */ (box.querySelector(kept))] : [];
        box.replaceChildren(...first, fragment(html));
    }

    /**
     * Each region that a picture shows can be asked about: by a click, and by Enter. Within a picture, the arrow keys go from
     * one region to the next.
     *
     * @param {Element} figure
     */
    #letAsk(figure) {
        const svg = figure.querySelector('svg');
        if (!svg?.querySelector('[data-start]')) {
            return;
        }
        svg.setAttribute('role', 'group');
        // Of the two layouts, one is seen.
        const layouts = svg.querySelectorAll(':scope > .wide, :scope > .narrow');
        (layouts.length ? layouts : [svg]).forEach(layout => this.#letAskIn(layout));
    }

    /** @param {Element} layout */
    #letAskIn(layout) {
        // From the top down, which is from the highest address to the lowest.
        const regions = /** @type {SVGElement[]} */ (Array.from(layout.querySelectorAll('[data-start]')));
        const [space, start] = [(/** @type {SVGElement} */ { dataset }) => String(dataset.space), (/** @type {SVGElement} */ { dataset }) => Number(dataset.start)];
        regions.sort((one, other) => space(one).localeCompare(space(other)) || start(other) - start(one));
        const look = (/** @type {SVGElement} */ region) => {
            if (this.ask.isOpen) {
                this.ask.about(start(region));
            }
        };
        const ask = (/** @type {SVGElement} */ region) => {
            this.ask.open();
            look(region);
        };
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        let timer;
        regions.forEach((region, at) => {
            region.setAttribute('role', 'button');
            region.setAttribute('tabindex', at === 0 ? '0' : '-1');
            const words = Array.from(region.querySelectorAll('text'), ({ textContent }) => textContent?.trim());
            region.setAttribute('aria-label', [...words, space(region)].join(', '));
            region.addEventListener('click', () => ask(region));
            region.addEventListener('focus', () => look(region));
            // A pointer on its way to the answer crosses other regions.
            region.addEventListener('pointerenter', () => {
                timer = setTimeout(() => look(region), STAY);
            });
            region.addEventListener('pointerleave', () => clearTimeout(timer));
            region.addEventListener('keydown', event => {
                const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
                const other = regions[at + (by ?? 0)];
                if (by && other) {
                    region.setAttribute('tabindex', '-1');
                    other.setAttribute('tabindex', '0');
                    other.focus();
                } else if (event.key === 'Enter' || event.key === ' ') {
                    ask(region);
                } else if (!by) {
                    return;
                }
                event.preventDefault();
            });
        });
    }

    #printAgain() {
        for (const [box, nodes] of this.printed) {
            box.replaceChildren(...nodes);
            /** @type {HTMLElement} */ (box).style.minHeight = '';
            box.closest('figure')?.classList.remove('is-live');
            box.closest('figure')?.removeAttribute('data-drawn');
        }
        this.printed.clear();
    }

    #tell() {
        const { chapter } = this;
        if (chapter.state === 'ready') {
            this.text.data = '';
            this.#printAgain();
            this.#show(0);
        }
        if (chapter.trouble || chapter.state === 'ended') {
            this.place.querySelectorAll('.is-live').forEach(figure => figure.classList.remove('is-live'));
        }
        this.run.textContent = chapter.state === 'running' ? 'Pause' : 'Run on';
        disable(this.run, chapter.state === 'ended');
        disable(this.next, chapter.state === 'ended');
        disable(this.previous, chapter.state === 'ready');
        this.ask.refresh();
        // What the page says about a moment is true of the right kernel.
        this.place.classList.toggle('departs', this.isBroken || this.ask.hasChanges);
        this.status.textContent = this.#sentence();
        if (chapter.place) {
            this.#show(chapter.place.stop);
        }
    }

    /**
     * In a stepper, shows the pictures of a moment.
     *
     * @param {number} moment
     */
    #show(moment) {
        this.place.dispatchEvent(new CustomEvent('show', { detail: moment }));
    }

    #sentence() {
        const { chapter } = this;
        const instructions = `${chapter.instructions.toLocaleString('en')} instructions so far.`;
        switch (chapter.state) {
            case 'ready': return 'The kernel is loaded, and has not begun.';
            case 'running': return 'The kernel runs …';
            case 'stopped': return `Stopped: ${chapter.title}. ${chapter.trouble ?? instructions}`;
            case 'paused': return `Paused ${this.ask.running ? `while ${this.ask.running} runs` : 'between two moments'}. ${chapter.trouble ?? instructions}`;
            default: return `${chapter.ending} ${instructions}${this.#fault()}`;
        }
    }

    /** Where the last page fault was, for a reader whose change has caused it. */
    #fault() {
        const { CR2 } = this.chapter.registers;
        return this.ask.hasChanges && CR2 ? ` CR2, the address of the last page fault, is ${hexadecimal(CR2)}.` : '';
    }

    /** A kernel out of sight rests. */
    #restWhenUnseen() {
        let isInSight = true;
        /** @type {(() => void) | null} */
        let wake = null;
        const look = () => {
            const isSeen = isInSight && !document.hidden;
            if (!isSeen && !wake) {
                this.chapter.restUntil(new Promise(resolve => {
                    wake = () => resolve();
                }));
            } else if (isSeen && wake) {
                wake();
                wake = null;
            }
        };
        document.addEventListener('visibilitychange', look);
        new IntersectionObserver(entries => {
            isInSight = entries[entries.length - 1].isIntersecting;
            look();
        }).observe(this.place);
    }
}

/**
 * Keeps keys that are typed into a field from mdBook, which would take them for its own.
 *
 * @param {HTMLElement} box
 */
function keepKeys(box) {
    box.addEventListener('keydown', event => {
        if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) {
            event.stopPropagation();
        }
    });
}

/** @param {string} text */
function escaped(text) {
    return text.replace(/[&<]/g, sign => sign === '&' ? '&amp;' : '&lt;');
}

/** @param {string} html */
function fragment(html) {
    return document.createRange().createContextualFragment(html.replace(/<\?xml[^>]*\?>/, ''));
}

/**
 * Not `disabled`: that would take the focus away from a button that was just pressed.
 *
 * @param {HTMLElement} control
 * @param {boolean} is
 */
function disable(control, is) {
    control.setAttribute('aria-disabled', String(is));
}

/**
 * The tables of a picture's facts, which are written as in the book's pages.
 *
 * @param {string} markdown
 */
function tables(markdown) {
    const text = (/** @type {string} */ words) => escaped(words)
        .replace(/`([^`]*)`/g, '<code>$1</code>').replace(/\*\*([^*]*)\*\*/g, '<strong>$1</strong>');
    const fence = /^```text\n([^]*)\n```$/.exec(markdown.trim());
    if (fence) {
        return `<pre><code>${escaped(fence[1])}</code></pre>`;
    }
    const cells = (/** @type {string} */ line) => line.slice(1, -1).split('|').map(cell => text(cell.trim()));
    const table = (/** @type {string[]} */ [head, , ...rows]) => {
        const row = (/** @type {string} */ line, /** @type {string} */ tag) => `<tr>${cells(line).map(cell => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
        return `<div class="table-wrapper"><table><thead>${row(head, 'th')}</thead><tbody>${rows.map(line => row(line, 'td')).join('')}</tbody></table></div>`;
    };
    return markdown.trim().split(/\n\n+/).map(part => {
        const lines = part.split('\n');
        return lines[0].startsWith('|') ? table(lines) : `<p>${text(part)}</p>`;
    }).join('');
}
