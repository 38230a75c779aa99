// Pictures of which the reader sees one at a time: <div class="stepper" role="group" aria-label="…"> with a <section>
// for each moment, whose heading becomes the label of its button.
//
// Without this script, and on paper, the moments stand one after the other. With it they all take the same place, as
// large as the largest needs, so that nothing on the page moves when a reader steps. Nothing is animated.
'use strict';

for (const stepper of document.querySelectorAll('.stepper')) {
    const moments = Array.from(stepper.querySelectorAll(':scope > section'));
    const headings = moments.map(moment => moment.querySelector('h2, h3, h4, h5, h6'));
    const names = headings.map(heading => heading.textContent.trim());
    let shown = 0;

    // mdBook's sidebar marks the last heading that the reader has passed. These all lie in the same place, so that would
    // be the last moment, whichever is shown. It lists headings with an identifier; so a moment has it in their place,
    // and the sidebar marks the heading above the stepper.
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

    // What is written into it is spoken by a screen reader; so nothing is, until a reader steps.
    const spoken = document.createElement('div');
    spoken.setAttribute('role', 'status');

    const show = index => {
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
    };

    const step = index => {
        if (index >= 0 && index < moments.length && index !== shown) {
            show(index);
            spoken.textContent = `Moment ${shown + 1} of ${moments.length}: ${names[shown]}`;
        }
    };

    // mdBook turns the page at these keys, wherever on the page they are pressed. Pressed in here they step, and at
    // the first and the last moment they do nothing. A box that scrolls sideways keeps them for that: see scroll.js.
    stepper.addEventListener('keydown', event => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
            event.stopPropagation();
            event.preventDefault();
            step(shown + by);
        }
    });

    // A table that is opened under one picture is open under all of them: so two moments can be compared.
    stepper.addEventListener('toggle', event => {
        for (const details of stepper.querySelectorAll('details')) {
            details.open = event.target.open;
        }
    }, true);

    // A link to a moment.
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
