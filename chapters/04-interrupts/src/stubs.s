/*
 * The way into a handler and back. In AT&T syntax (source first), the only one in which this assembler
 * has 32-bit pushes and pops of segment registers.
 *
 * An interrupt in the kernel does not change the stack: the CPU pushes three words, and for some
 * exceptions a fourth, onto whatever stack is in use. An interrupt of ring 3 does: the CPU takes SS and ESP
 * from the task state segment, and first pushes the old ones there (Intel SDM volume 3, 6.12.1). The stubs
 * make one picture of all cases, and `iret` takes two words more by itself if it goes back to ring 3:
 *
 *              | interrupted stack |    from ring 3: SS and ESP instead, pushed by the CPU
 *              +-------------------+
 *              | EFLAGS            |  \
 *              | CS                |   | pushed by the CPU
 *              | EIP               |  /
 *              | error code, or 0  |    by the CPU, or by the stub
 *              | vector            |    by the stub
 *              | EAX ECX EDX EBX   |  \
 *              | ESP EBP ESI EDI   |  / by pusha, EAX at the highest address
 *              | DS                |
 *              | ES                |
 *              | FS                |
 *       ESP -> | GS                |    the lowest word of the TrapFrame
 *              +-------------------+
 */
    .section .text.interrupts, "ax"

/* ANCHOR: stubs */
/*
 * One stub per vector, all of as many bytes (STUB_BYTES in stubs.rs), so that a stub's address follows from its vector. Two
 * instructions are spelled in bytes, because the assembler would take a shorter form where one fits.
 */
    .global interrupt_stubs
interrupt_stubs:
    .set    vector, 0
    .rept   256
    .if     vector >= 32 || (({PUSHES_ERROR_CODE} >> vector) & 1) == 0
    pushl   $0
    .else
    nop                                 /* as many bytes as that push */
    nop
    .endif
    .byte   0x68                        /* push imm32: the shorter push imm8 would extend the sign */
    .long   vector
    .byte   0xE9                        /* jmp rel32 */
    .long   interrupt_entry - . - 4
    .set    vector, vector + 1
    .endr
/* ANCHOR_END: stubs */

/* ANCHOR: entry */
interrupt_entry:
    pushal
    pushl   %ds
    pushl   %es
    pushl   %fs
    pushl   %gs
    movl    ${DATA_SELECTOR}, %eax
    movl    %eax, %ds
    movl    %eax, %es
    cld                                 /* compiled code relies on it */
    movl    reasons_for_interrupts_off, %ebx
    addl    $2, reasons_for_interrupts_off  /* a handler is one more: common/src/lock.rs */
    movl    {VECTOR}(%esp), %eax
    pushl   %esp                        /* the address of the TrapFrame: the handler's argument */
    calll   *{HANDLERS}(, %eax, 4)
    addl    $4, %esp

/* ESP points to a TrapFrame: goes on where it says. EBX has the reasons of that code to keep interrupts off. */
    .global interrupt_return
interrupt_return:
    movl    %ebx, reasons_for_interrupts_off  /* without those that the handler has leaked */
    popl    %gs
    popl    %fs
    popl    %es
    popl    %ds
    popal
    addl    $8, %esp                    /* vector and error code */
    iretl
/* ANCHOR_END: entry */
