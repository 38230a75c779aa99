/*
 * The way into a handler and back.
 *
 * An interrupt of the kernel does not change the stack: the CPU pushes three words, and for some exceptions a fourth,
 * onto the current stack. An interrupt of ring 3 does: the CPU loads SS and ESP from the task state segment, and
 * pushes the old SS and ESP onto the new stack first. (Intel SDM volume 3A, 6.12.1 "Exception- or Interrupt-Handler
 * Procedures".) The stubs give all cases the same layout. `iret` pops two more words by itself if it returns to ring 3.
 *
 * The syntax is AT&T (source first): only there does this assembler have 32-bit pushes and pops of segment registers.
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
 * One stub per vector. All have the same size (STUB_BYTES in stubs.rs), so a stub's address follows from its vector.
 * Two instructions are written as bytes, because the assembler would choose a shorter form where one fits.
 */
    .global interrupt_stubs
interrupt_stubs:
    .set    vector, 0
    .rept   256
    .if     vector >= 32 || (({PUSHES_ERROR_CODE} >> vector) & 1) == 0
    pushl   $0
    .else
    nop                                 /* the CPU has pushed one: fill the room of that push */
    nop
    .endif
    .byte   0x68                        /* push imm32: push imm8 would extend the sign */
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
    cld                                 /* compiled code relies on a clear direction flag */
    movl    reasons_for_interrupts_off, %ebx
    addl    $2, reasons_for_interrupts_off  /* a handler is one more reason: common/src/lock.rs */
    movl    {VECTOR}(%esp), %eax
    pushl   %esp                        /* the address of the TrapFrame: the handler's argument */
    calll   *{HANDLERS}(, %eax, 4)
    addl    $4, %esp

/* Returns through the TrapFrame that ESP points to. EBX has the number of reasons of the interrupted code. */
    .global interrupt_return
interrupt_return:
    movl    %ebx, reasons_for_interrupts_off  /* drops those that the handler has leaked */
    popl    %gs
    popl    %fs
    popl    %es
    popl    %ds
    popal
    addl    $8, %esp                    /* vector and error code */
    iretl
/* ANCHOR_END: entry */
