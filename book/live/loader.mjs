// Hands a kernel to the machine as a Multiboot2 boot loader does, without a BIOS and without a boot loader.
// @ts-check

/** EAX at a kernel's entry: Multiboot2 specification, 3.3 "I386 machine state". */
const MAGIC = 0x36d76289;

// ELF: System V ABI, chapter 4 "ELF Header" and chapter 5 "Program Header".
const ELF_MAGIC = 0x7f454c46;
const FOR_32_BITS = 1;
const FOR_I386 = 3;
const LOADED = 1;

/**
 * The parts of an ELF file that are loaded, and its entry.
 *
 * @param {Uint8Array} file
 */
export function segments(file) {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    if (view.getUint32(0) !== ELF_MAGIC || file[4] !== FOR_32_BITS || view.getUint16(18, true) !== FOR_I386) {
        throw new Error('this is no ELF file for i386');
    }
    const [headers, size, count] = [view.getUint32(28, true), view.getUint16(42, true), view.getUint16(44, true)];
    const loaded = [];
    for (let number = 0; number < count; number++) {
        /** @param {number} index */
        const word = index => view.getUint32(headers + number * size + 4 * index, true);
        const [type, offset, , address, fileBytes, bytes] = [0, 1, 2, 3, 4, 5].map(word);
        if (type === LOADED) {
            loaded.push({ address, content: file.subarray(offset, offset + fileBytes), bytes });
        }
    }
    return { entry: view.getUint32(24, true), loaded };
}

/**
 * Puts the kernel and its boot information where they belong, and the CPU before the kernel's first instruction.
 *
 * @param {import('./machine.mjs').Cpu} cpu
 * @param {Uint8Array} kernel
 * @param {{ address: number, bytes: Uint8Array }} information
 */
export function load(cpu, kernel, information) {
    const { entry, loaded } = segments(kernel);
    for (const { address, content, bytes } of loaded) {
        if (address + bytes > cpu.memory_size[0]) {
            throw new Error('the kernel does not fit into the memory of this machine');
        }
        cpu.mem8.fill(0, address, address + bytes);
        cpu.mem8.set(content, address);
    }
    cpu.mem8.set(information.bytes, information.address);

    // Multiboot2 specification, 3.3: protected mode with flat segments, paging off, interrupts off.
    const [EAX, EBX, CS] = [0, 3, 1];
    const [CODE, DATA] = [0x9b, 0x93];
    cpu.reg32.fill(0);
    cpu.reg32[EAX] = MAGIC;
    cpu.reg32[EBX] = information.address;
    cpu.cr[0] = 1;
    cpu.protected_mode[0] = 1;
    cpu.is_32[0] = 1;
    cpu.stack_size_32[0] = 1;
    cpu.flags[0] = 2;
    for (let segment = 0; segment < 6; segment++) {
        cpu.segment_is_null[segment] = 0;
        cpu.segment_offsets[segment] = 0;
        cpu.segment_limits[segment] = 0xffffffff;
        cpu.segment_access_bytes[segment] = segment === CS ? CODE : DATA;
        cpu.sreg[segment] = segment === CS ? 8 : 16;
    }
    cpu.instruction_pointer[0] = entry;
    cpu.update_state_flags();
}

/**
 * Empties the command line in the boot information: Multiboot2 specification, 3.6.1 "Boot information format" and 3.6.3 "Boot
 * command line".
 *
 * @param {Uint8Array} information
 */
export function clearCommandLine(information) {
    const [END, COMMAND_LINE, HEADER_BYTES] = [0, 1, 8];
    const view = new DataView(information.buffer, information.byteOffset, information.byteLength);
    for (let tag = HEADER_BYTES; tag < information.length;) {
        const [type, bytes] = [view.getUint32(tag, true), view.getUint32(tag + 4, true)];
        if (type === COMMAND_LINE) {
            information.fill(0, tag + HEADER_BYTES, tag + bytes);
        }
        if (type === END || bytes < HEADER_BYTES) {
            return;
        }
        tag += (bytes + 7) & ~7;
    }
}

// What a BIOS writes into the VGA's registers for 80 columns and 25 rows of text: IBM VGA XGA Technical Reference
// Manual (1992), "BIOS Mode 3". In the order of their index, as far as v86 looks at them.
const MISCELLANEOUS = 0x67;
const SEQUENCER = [0x03, 0x00, 0x03, 0x00, 0x02];
const CRT_CONTROLLER = [
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28,
    0x1f, 0x96, 0xb9, 0xa3, 0xff,
];
const GRAPHICS = [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff];
const ATTRIBUTES = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00,
];
/** Register 0x11 of the CRT controller with its bit 7 clear: the registers 0 to 7 may be written. */
const WRITABLE = 0x0e;
const PALETTE_IN_USE = 0x20;

/**
 * Switches the VGA to its text mode.
 *
 * @param {import('./machine.mjs').Cpu['io']} io
 */
export function switchToText(io) {
    /** @type {(port: number, registers: number[]) => void} */
    const writeAll = (port, registers) => registers.forEach((value, index) => {
        io.port_write8(port, index);
        io.port_write8(port + 1, value);
    });
    io.port_write8(0x3c2, MISCELLANEOUS);
    writeAll(0x3c4, SEQUENCER);
    io.port_write8(0x3d4, 0x11);
    io.port_write8(0x3d5, WRITABLE);
    writeAll(0x3d4, CRT_CONTROLLER);
    writeAll(0x3ce, GRAPHICS);
    io.port_read8(0x3da); // the attribute controller takes an index next
    ATTRIBUTES.forEach((value, index) => {
        io.port_write8(0x3c0, index);
        io.port_write8(0x3c0, value);
    });
    io.port_write8(0x3c0, PALETTE_IN_USE);
}
