// Offers to run a chapter's kernel in its page: <div class="live" data-kernel="09">, around the pictures that the kernel
// draws itself.
//
// Until the reader asks for it, nothing is loaded. Then come the machine, the drawing and the kernel, as classic scripts,
// because a page that was opened from a disk may load no others. Without this script the pictures stay as they are.
'use strict';

{
    const folder = new URL('../live/', document.currentScript.src);
    const places = document.querySelectorAll('.live');
    const canRun = 'WebAssembly' in window && 'DecompressionStream' in window;

    // Where the scripts put what they bring, and the first of them its function `attach`.
    window.live = { given: new Map() };

    const scripts = new Map();

    const request = name => new Promise((resolve, reject) => {
        const script = document.createElement('script');
        script.src = new URL(`${name}.js`, folder);
        script.onload = resolve;
        script.onerror = () => {
            scripts.delete(name);
            reject(new Error(`${script.src} could not be loaded`));
        };
        document.head.append(script);
    });

    // Each is requested once.
    const load = name => {
        if (!scripts.has(name)) {
            scripts.set(name, request(name));
        }
        return scripts.get(name);
    };

    const offer = place => {
        const { kernel } = place.dataset;
        const controls = document.createElement('div');
        controls.className = 'choices live-line';
        const status = document.createElement('span');
        status.className = 'live-status';
        controls.append(status);
        const stepper = place.querySelector(':scope > .choices');
        if (stepper) {
            stepper.after(controls);
        } else {
            place.prepend(controls);
        }
        if (!canRun) {
            status.textContent = 'A newer browser would run the kernel here.';
            return;
        }
        const start = document.createElement('button');
        start.type = 'button';
        start.className = 'live-start';
        start.textContent = 'Run the kernel here';
        controls.prepend(start);
        status.textContent = 'Your browser becomes the PC. It loads about 600 KB for that.';
        let isAsked = false;
        start.addEventListener('click', async () => {
            if (isAsked) {
                return;
            }
            isAsked = true;
            status.setAttribute('role', 'status');
            status.textContent = 'The machine is being loaded …';
            try {
                await Promise.all(['live', 'v86', 'drawing', kernel].map(load));
                await live.attach(place, { controls, start, status, load });
            } catch (error) {
                isAsked = false;
                scripts.clear();
                status.textContent = `The kernel cannot run here: ${error.message}. The pictures show what it did when the book was made.`;
            }
        });
    };

    // The page that has all chapters, for printing, runs none.
    if (places.length === 1) {
        offer(places[0]);
    }
}
