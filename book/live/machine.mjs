// One machine with one kernel, in which every run is the same. It uses v86 (https://copy.sh/v86/), an emulator of a PC.
//
// Four things make it exact:
// - Time is counted: an instruction takes 32 ns, as it does under QEMU when the book's pictures are taken, and while the
//   CPU waits for an interrupt, the time until then passes at once (or, if the reader may type, as slowly as ours).
// - It stops before an instruction. For that, a HLT takes the place of the instruction's first byte. v86 tells us of a HLT
//   before anything else happens. Then we put the byte back.
// - v86 interprets, and compiles nothing.
// - v86's own timers are not used: we call its main loop.
//
// v86 has no interface for most of that, so this file reaches into its insides, and nothing else does. `start` checks that
// they are as expected. No DOM is needed.
// @ts-check

import { load, switchToText } from './loader.mjs';

const NANOSECONDS = 32;
const HLT = 0xf4;
const INTERRUPTS_ON = 0x200;
/** The date at which the machine is switched on. */
const SWITCHED_ON = Date.UTC(2026, 0, 1);
/** The real-time clock begins its first second half a second after it is let run: MC146818 data sheet, "Divider Control". */
const HALF_A_SECOND = 500;
/** `push` or `pop` of a register: instructions of one byte, 0x50 to 0x5f. */
const PUSH_OR_POP = 0x50;
/** A kernel that writes to this port ends the machine: QEMU's isa-debug-exit. */
const EXIT_PORT = 0xf4;
/** A kernel may run this long, in milliseconds, before the page gets its turn. */
const BURST = 8;
/** If a kernel has sent nothing for so many milliseconds of its time, it waits as long as it says. */
const LONG = 10_000;
/** In milliseconds: a browser that sleeps takes longer. */
const LONGEST_SLEEP = 1000;
/** In milliseconds: v86 starts in a tenth of this. */
const PATIENCE = 20_000;

// The keyboard's controller, an 8042.
const KEYBOARD_DATA = 0x60;
const KEYBOARD_COMMAND = 0x64;
const PRETEND_THAT_THE_KEYBOARD_SENT = 0xd2;

// The interval timer, an 8254.
const TIMER_CHANNEL_0 = 0x40;
const TIMER_COMMAND = 0x43;
const READ_STATUS_OF_CHANNEL_0 = 0xe2;

// Where the text is, and the registers of the CRT controller that tell where the cursor is: its first row of dots, its last,
// and its cell.
const TEXT = 0xb8000;
const TEXT_BYTES = 80 * 25 * 2;
const CRT_CONTROLLER = 0x3d4;
const CURSOR = [0x0a, 0x0b, 0x0e, 0x0f];

/**
 * What we use of v86's CPU.
 *
 * @typedef {object} Cpu
 * @property {Uint8Array} mem8 the machine's memory
 * @property {Uint32Array} memory_size
 * @property {Uint32Array} instruction_counter
 * @property {Int32Array} reg32
 * @property {Int32Array} cr
 * @property {Int32Array} flags
 * @property {Uint16Array} sreg
 * @property {Int32Array} instruction_pointer
 * @property {Uint8Array} in_hlt
 * @property {Uint8Array} protected_mode
 * @property {Uint8Array} is_32
 * @property {Uint8Array} stack_size_32
 * @property {Uint8Array} segment_is_null
 * @property {Int32Array} segment_offsets
 * @property {Uint32Array} segment_limits
 * @property {Uint8Array} segment_access_bytes
 * @property {Int32Array} gdtr_offset
 * @property {Int32Array} gdtr_size
 * @property {() => number} main_loop
 * @property {() => void} update_state_flags
 * @property {() => void} full_clear_tlb
 * @property {() => number} get_eflags
 * @property {(address: number) => number} read8
 * @property {any} io
 * @property {any} devices
 *
 * @typedef {{ address: number, bytes: Uint8Array }} BootInformation
 * @typedef {{ V86: any, wasm: WebAssembly.Module, kernel: Uint8Array, information: BootInformation, memoryBytes: number }} Parts
 *
 * How a run came to its end, for the time being or for good: at an address, by an order to pause, or by the machine's end.
 * @typedef {{ at: number } | { paused: true } | { ended: Ending }} Stop
 *
 * `said` is what the kernel wrote to the exit port. `halted`: the CPU waits with interrupts off, for ever. `doubleFault`: v86
 * cannot go on after one.
 * @typedef {{ said: number } | { halted: true } | { doubleFault: true }} Ending
 */

const ANOTHER_VERSION = 'v86 is another version than this page was made for';

/** v86 is not the one that we know. */
export class Unexpected extends Error {}

export class Machine {
    /** @type {Cpu} */
    #cpu;
    /** @type {any} */
    #emulator;
    /** @type {Map<number, number>} the bytes whose places HLTs have taken, by address */
    #armed = new Map();
    #idle = 0;
    #instructions = 0;
    #lastCount = 0;
    /** @type {Stop | null} why it stands still; null while it runs */
    #stop = null;
    #isFrozen = false;
    #interruptsWereOn = false;
    #wantsPause = false;
    /** When the page gets its turn again. */
    #turnEnds = 0;
    /** The machine's time when it last sent a byte. */
    #lastByte = 0;
    #secondsBegan = false;
    /** @type {(() => void) | null} ends a wait for the time to pass */
    #wake = null;

    /** @type {(bytes: number) => void} called with each byte of the serial log */
    onbyte = () => {};
    /** Called again and again while the kernel runs, about 100 times a second. */
    onturn = () => {};
    /** @type {Promise<void>} while it is pending, the machine rests, but can be paused */
    rest = Promise.resolve();
    /** If true, waiting takes as long as it says, because the reader may type. */
    paced = false;

    /**
     * A machine before its kernel's first instruction.
     *
     * @param {Parts} parts
     * @returns {Promise<Machine>}
     */
    static async start(parts) {
        const machine = new Machine();
        await machine.#build(parts);
        machine.#settle(parts);
        return machine;
    }

    /** @param {Parts} parts */
    async #build({ V86, wasm, memoryBytes }) {
        const emulator = await new Promise((resolve, reject) => {
            const emulator = new V86({
                memory_size: memoryBytes,
                vga_memory_size: 1 << 20,
                autostart: false,
                disable_jit: true,
                disable_keyboard: true,
                disable_mouse: true,
                disable_speaker: true,
                // v86 never says that it cannot start, and waits.
                wasm_fn: (/** @type {any} */ imports) => this.#instantiate(wasm, imports).catch(error => {
                    reject(error);
                    throw error;
                }),
            });
            emulator.add_listener('emulator-ready', () => resolve(emulator));
            setTimeout(() => reject(new Error('v86 does not start')), PATIENCE);
        });
        this.#emulator = emulator;
        const cpu = emulator.v86?.cpu;
        const words = ['mem8', 'instruction_counter', 'reg32', 'cr', 'flags', 'instruction_pointer', 'in_hlt', 'segment_access_bytes', 'gdtr_offset'];
        const methods = ['main_loop', 'update_state_flags', 'full_clear_tlb', 'get_eflags'];
        const hasAll = words.every(name => cpu?.[name]?.length) && methods.every(name => typeof cpu[name] === 'function')
            && ['rtc', 'pit', 'ps2', 'vga', 'uart0'].every(device => cpu.devices[device]);
        if (!hasAll || typeof emulator.v86.constructor.microtick !== 'function') {
            throw new Unexpected(ANOTHER_VERSION);
        }
        this.#cpu = cpu;
        // Its main loop is called from here, and from nowhere else. Only the news that a device has an interrupt stays.
        emulator.v86.unregister_yield();
        emulator.v86.next_tick = () => this.#wake?.();
        emulator.add_listener('serial0-output-byte', (/** @type {number} */ byte) => {
            this.#lastByte = this.#now();
            this.onbyte(byte);
        });
    }

    /**
     * v86's WebAssembly, which asks for the time and tells of each HLT here.
     *
     * @param {WebAssembly.Module} wasm
     * @param {any} imports
     */
    async #instantiate(wasm, imports) {
        const { env } = imports;
        const timers = env.run_hardware_timers;
        if (typeof timers !== 'function') {
            throw new Unexpected(ANOTHER_VERSION);
        }
        env.microtick = () => this.#now();
        env.get_rand_int = () => 4; // nothing may be random
        env.run_hardware_timers = (/** @type {number} */ acpi, /** @type {number} */ now) => this.#atTimers(timers, acpi, now);
        env.cpu_event_halt = () => this.#atHalt();
        return (await WebAssembly.instantiate(wasm, imports)).exports;
    }

    /** @param {Parts} parts */
    #settle({ kernel, information }) {
        const cpu = this.#cpu;
        this.#lastCount = cpu.instruction_counter[0];
        const { rtc } = cpu.devices;
        rtc.rtc_time = rtc.last_update = SWITCHED_ON;
        const end = (/** @type {number} */ said) => this.#end({ said });
        cpu.io.register_write(EXIT_PORT, {}, end, end, end);
        complete(cpu);
        this.#inItsTime(() => switchToText(cpu.io));
        load(cpu, kernel, information);
    }

    /** Lets go of everything. */
    close() {
        this.pause();
        this.#emulator.destroy?.();
    }

    /** The number of instructions so far. */
    get instructions() {
        if (!this.#cpu) {
            return 0;
        }
        const count = this.#cpu.instruction_counter[0];
        this.#instructions += (count - this.#lastCount) >>> 0; // the counter has 32 bits
        this.#lastCount = count;
        return this.#instructions;
    }

    /** The machine's own time in milliseconds. */
    #now() {
        return this.instructions * NANOSECONDS / 1e6 + this.#idle;
    }

    /**
     * Calls `work` while everything that v86 takes for the time is this machine's time.
     *
     * @template T
     * @param {() => T} work
     */
    #inItsTime(work) {
        const { constructor } = this.#emulator.v86;
        const [date, microtick] = [Date.now, constructor.microtick];
        Date.now = () => SWITCHED_ON + this.#now();
        constructor.microtick = () => this.#now();
        try {
            return work();
        } finally {
            Date.now = date;
            constructor.microtick = microtick;
        }
    }

    /**
     * Runs on until the instruction at one of these addresses is the next.
     *
     * @param {number[]} addresses
     * @returns {Promise<Stop>}
     */
    async runTo(addresses) {
        if (this.#stop && 'ended' in this.#stop) {
            return this.#stop;
        }
        this.#wantsPause = false;
        const left = await this.#leave(addresses);
        return 'at' in left ? this.#go(addresses) : left;
    }

    /**
     * If the next instruction is one of those to stop at, it has to be run first.
     *
     * @param {number[]} addresses
     * @returns {Promise<Stop>}
     */
    async #leave(addresses) {
        const at = this.#cpu.instruction_pointer[0] >>> 0;
        if (!addresses.includes(at)) {
            return { at };
        }
        if ((this.#cpu.mem8[at] & 0xf0) !== PUSH_OR_POP) {
            throw new Unexpected(`the instruction at ${at.toString(16)} may be longer than a byte`);
        }
        return this.#go([at + 1]);
    }

    /**
     * @param {number[]} addresses
     * @returns {Promise<Stop>}
     */
    async #go(addresses) {
        this.#stop = null;
        this.#arm(addresses);
        this.#thaw();
        for (let wait = 0; !this.#stop;) {
            if (wait || performance.now() >= this.#turnEnds) {
                this.onturn();
                await this.#pass(wait);
                this.#turnEnds = performance.now() + BURST;
            }
            if (this.#wantsPause) {
                this.#stop = { paused: true };
            } else {
                wait = this.#burst();
            }
        }
        this.#disarm();
        return this.#stop;
    }

    /** Ends a run before it has come to an address. */
    pause() {
        this.#wantsPause = true;
        this.#wake?.();
    }

    /** Runs some instructions. Returns for how many milliseconds the machine has to wait then. */
    #burst() {
        const cpu = this.#cpu;
        let wait;
        try {
            wait = this.#inItsTime(() => cpu.main_loop());
        } catch (error) {
            // v86 reports a double fault by calling itself, until its stack is full. Firefox has an error of its own for that.
            const isFull = error instanceof RangeError || /** @type {Error} */ (error).name === 'InternalError';
            if (!isFull) {
                throw error;
            }
            this.#end({ doubleFault: true });
            return 0;
        }
        if (this.#stop || !cpu.in_hlt[0]) {
            return 0;
        }
        wait = Math.max(wait, 0.001);
        // A kernel that has had nothing to say for long will hardly go on, and need not keep the page busy.
        if (this.paced || this.#now() > this.#lastByte + LONG) {
            return wait;
        }
        this.#idle += wait;
        return 0;
    }

    /**
     * Lets others have their turn, and this time pass.
     *
     * @param {number} wait
     */
    async #pass(wait) {
        const since = performance.now();
        await new Promise(resolve => {
            this.#wake = () => resolve(undefined);
            setTimeout(resolve, wait);
        });
        if (wait) {
            this.#idle += this.paced ? Math.min(performance.now() - since, LONGEST_SLEEP) : wait;
        }
        await Promise.race([this.rest, new Promise(resolve => {
            this.#wake = () => resolve(undefined);
        })]);
        this.#wake = null;
    }

    /** @param {Ending} ended */
    #end(ended) {
        this.#freeze();
        this.#stop = { ended };
    }

    /** The CPU is to do nothing more when it comes back from here. */
    #freeze() {
        const cpu = this.#cpu;
        this.#interruptsWereOn = (cpu.flags[0] & INTERRUPTS_ON) !== 0;
        cpu.flags[0] &= ~INTERRUPTS_ON;
        cpu.in_hlt[0] = 1;
        this.#isFrozen = true;
    }

    #thaw() {
        if (!this.#isFrozen) {
            return;
        }
        this.#isFrozen = false;
        this.#cpu.in_hlt[0] = 0;
        if (this.#interruptsWereOn) {
            this.#cpu.flags[0] |= INTERRUPTS_ON;
        }
    }

    /** @param {number[]} addresses of code, which has the same physical and virtual addresses in these kernels */
    #arm(addresses) {
        for (const address of addresses) {
            this.#armed.set(address, this.#cpu.mem8[address]);
            this.#cpu.mem8[address] = HLT;
        }
    }

    #disarm() {
        for (const [address, byte] of this.#armed) {
            this.#cpu.mem8[address] = byte;
        }
        this.#armed.clear();
    }

    /** A HLT was run with interrupts off. */
    #atHalt() {
        if (!this.#isTrapped() && !this.#stop) {
            this.#end({ halted: true });
        }
    }

    /**
     * A HLT was run with interrupts on, or some time has passed.
     *
     * @param {(acpi: number, now: number) => number} timers
     * @param {number} acpi
     * @param {number} now
     */
    #atTimers(timers, acpi, now) {
        if (this.#stop || (this.#cpu.in_hlt[0] && this.#isTrapped())) {
            return 0;
        }
        const { rtc } = this.#cpu.devices;
        if (rtc.update_interrupt && !this.#secondsBegan) {
            this.#secondsBegan = true;
            rtc.update_interrupt_time = SWITCHED_ON + HALF_A_SECOND;
        }
        return timers(acpi, now);
    }

    /** Whether the HLT that was just run is one of ours. If so, it is as if it had not been run. */
    #isTrapped() {
        const { instruction_pointer: eip } = this.#cpu;
        const at = (eip[0] - 1) >>> 0;
        if (!this.#armed.has(at)) {
            return false;
        }
        eip[0] = at;
        this.#freeze();
        this.#stop = { at };
        return true;
    }

    /** All of physical memory; while the machine stands still, with the kernel's own instructions everywhere. Not to be written to. */
    get memory() {
        return this.#cpu.mem8.subarray(0, this.#cpu.memory_size[0]);
    }

    /**
     * Writes to physical memory, which may hold page tables.
     *
     * @param {number} address
     * @param {Uint8Array} bytes
     */
    write(address, bytes) {
        if (address + bytes.length > this.#cpu.memory_size[0]) {
            throw new RangeError('this address is beyond the memory');
        }
        this.#cpu.mem8.set(bytes, address);
        this.#cpu.full_clear_tlb();
    }

    /** The registers, by their names. */
    get registers() {
        const { reg32, cr, sreg, instruction_pointer, gdtr_offset, gdtr_size } = this.#cpu;
        const [EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI] = Array.from(reg32, word => word >>> 0);
        const flags = this.#cpu.get_eflags() >>> 0;
        return {
            EAX, EBX, ECX, EDX, ESP, EBP, ESI, EDI,
            EIP: instruction_pointer[0] >>> 0,
            EFL: this.#isFrozen && this.#interruptsWereOn ? (flags | INTERRUPTS_ON) >>> 0 : flags,
            CR0: cr[0] >>> 0, CR2: cr[2] >>> 0, CR3: cr[3] >>> 0, CR4: cr[4] >>> 0,
            CS: sreg[1],
            GDT: [gdtr_offset[0] >>> 0, gdtr_size[0] >>> 0],
        };
    }

    /** The bytes of the text screen, and the registers that say where its cursor is. */
    get screen() {
        const text = Uint8Array.from({ length: TEXT_BYTES }, (_, at) => this.#cpu.read8(TEXT + at));
        const { io } = this.#cpu;
        // The kernel may have chosen a register, and be about to write it.
        const chosen = io.port_read8(CRT_CONTROLLER);
        const cursor = CURSOR.map(register => {
            io.port_write8(CRT_CONTROLLER, register);
            return io.port_read8(CRT_CONTROLLER + 1);
        });
        io.port_write8(CRT_CONTROLLER, chosen);
        return { text, cursor };
    }

    /**
     * Types a character: it comes by the serial port.
     *
     * @param {string} text
     */
    type(text) {
        for (const byte of new TextEncoder().encode(text)) {
            this.#emulator.bus.send('serial0-input', byte);
        }
        this.#wake?.();
    }
}

/**
 * Adds what the book's kernels need and v86's devices lack.
 *
 * @param {Cpu} cpu
 */
function complete({ io, devices: { ps2, pit } }) {
    // A BIOS would have let the keyboard send.
    ps2.enable_keyboard_stream = true;
    // The command with which chapter 8 presses a key.
    let isPretending = false;
    io.register_write(KEYBOARD_COMMAND, ps2, (/** @type {number} */ command) => {
        isPretending = command === PRETEND_THAT_THE_KEYBOARD_SENT;
        if (!isPretending) {
            ps2.port64_write(command);
        }
    });
    io.register_write(KEYBOARD_DATA, ps2, (/** @type {number} */ byte) => {
        if (isPretending) {
            isPretending = false;
            ps2.kbd_send_code(byte);
        } else {
            ps2.port60_write(byte);
        }
    });
    // The command with which chapter 7 asks whether there is a timer.
    let isAsked = false;
    io.register_write(TIMER_COMMAND, pit, (/** @type {number} */ command) => {
        isAsked = command === READ_STATUS_OF_CHANNEL_0;
        if (!isAsked) {
            pit.port43_write(command);
        }
    });
    io.register_read(TIMER_CHANNEL_0, pit, () => {
        if (isAsked) {
            isAsked = false;
            return pit.counter_read_mode[0] << 4 | pit.counter_mode[0] << 1;
        }
        return pit.counter_read(0);
    });
}
