/*
 * The context switch: unsafe extern "fastcall" fn switch(from: ThreadId, to: ThreadId)
 *
 * ECX is `from` and EDX is `to`: their slots plus one. Draw both stacks here before you begin.
 */
    .section .text.switch, "ax"
    .global switch
switch:
    jmp     .Lunwritten

/*
 * Where a new thread begins. Its Context (Context::new) has the function to call in EDI, and that function's
 * arguments in EBX and ESI.
 */
    .global thread_start
thread_start:
    jmp     .Lunwritten

/* Prints a sentence to the serial port COM1, and stops with an invalid instruction. Delete this when you begin. */
.Lunwritten:
    lea     esi, [.Lsentence]
    mov     dx, 0x3F8
2:
    mov     al, [esi]
    test    al, al
    jz      3f
    out     dx, al
    inc     esi
    jmp     2b
3:
    ud2
.Lsentence:
    .asciz  "\nexercise 8.2: write switch.s\n"
