// Shows one of several pictures at a time: <div class="stepper" role="group" aria-label="…"> with a <section> for each
// moment. The moment's heading becomes the label of its button.
//
// Without this script, and on paper, the moments stand one after the other. With it, they all share one place with room
// for the largest, so that nothing on the page moves when a reader steps. Nothing is animated.
'use strict';

for (const stepper of document.querySelectorAll('.stepper')) {
    const moments = Array.from(stepper.querySelectorAll(':scope > section'));
    const headings = moments.map(moment => moment.querySelector('h2, h3, h4, h5, h6'));
    const names = headings.map(heading => heading.textContent.trim());
    let shown = 0;

    // mdBook's sidebar marks the last heading that the reader has passed. The moments' headings share one place, so
    // the sidebar would always mark the last moment. It lists only headings with an identifier. So the identifier moves
    // from the heading to the moment, and the sidebar marks the heading above the stepper.
    moments.forEach((moment, at) => {
        moment.id = headings[at].id;
        headings[at].removeAttribute('id');
    });

    const button = (text, onclick) => {
        const made = document.createElement('button');
        made.type = 'button';
        made.textContent = text;
        made.addEventListener('click', onclick);
        return made;
    };

    const previous = button('← Previous', () => step(shown - 1));
    const choices = names.map((name, index) => button(`${index + 1}. ${name}`, () => step(index)));
    const next = button('Next →', () => step(shown + 1));
    const controls = document.createElement('div');
    controls.className = 'choices';
    controls.append(previous, ...choices, next);

    // A screen reader speaks any text written into it, so it stays empty until the reader steps.
    const spoken = document.createElement('div');
    spoken.setAttribute('role', 'status');

    const show = index => {
        // What is no longer shown loses the focus.
        const hadFocus = index !== shown && moments[shown].contains(document.activeElement);
        shown = index;
        moments.forEach((moment, at) => moment.classList.toggle('shown', at === shown));
        choices.forEach((choice, at) => {
            if (at === shown) {
                choice.setAttribute('aria-current', 'step');
            } else {
                choice.removeAttribute('aria-current');
            }
        });
        // Not `disabled`: that would take the focus away from a button that was just pressed.
        previous.setAttribute('aria-disabled', shown === 0);
        next.setAttribute('aria-disabled', shown === moments.length - 1);
        if (hadFocus) {
            choices[shown].focus({ preventScroll: true });
        }
    };

    // A page that runs the kernel itself takes the step from here, and says when the kernel has come to a moment.
    const step = index => {
        if (index < 0 || index >= moments.length) {
            return;
        }
        const isOurs = stepper.dispatchEvent(new CustomEvent('step', { detail: index, cancelable: true }));
        if (isOurs && index !== shown) {
            show(index);
            spoken.textContent = `Moment ${shown + 1} of ${moments.length}: ${names[shown]}`;
        }
    };

    stepper.addEventListener('show', event => {
        if (event.detail < moments.length) {
            show(event.detail);
        }
    });

    // These keys turn mdBook's pages, wherever on the page the focus is. Inside the stepper they step instead, and at
    // the first and the last moment they do nothing. A box that scrolls sideways keeps them to scroll: see scroll.js.
    stepper.addEventListener('keydown', event => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
            event.stopPropagation();
            event.preventDefault();
            step(shown + by);
        }
    });

    // Opening a table under one picture opens it under all of them, so that two moments can be compared.
    stepper.addEventListener('toggle', event => {
        const tables = Array.from(stepper.querySelectorAll(':scope > section details'));
        if (tables.includes(event.target)) {
            tables.forEach(table => { table.open = event.target.open; });
        }
    }, true);

    // Show the moment that the page's address links to.
    const follow = () => {
        const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
        const index = moments.findIndex(moment => moment.contains(target));
        if (target && index >= 0) {
            show(index);
        }
    };

    stepper.prepend(controls, spoken);
    stepper.classList.add('steps');
    show(0);
    follow();
    window.addEventListener('hashchange', follow);
}
