/*
 * The context switch: unsafe extern "C" fn switch(save: *mut u32, load: u32, ..)
 *
 * A compiled function expects of the functions it calls that they keep EBX, ESI, EDI, EBP and the stack,
 * and nothing else (System V ABI for i386, "Registers and the Stack Frame"). So that is what makes a
 * thread that has called switch. It lies on the thread's own stack, and ESP says where:
 *
 *      the old thread's stack                     the new thread's stack
 *
 *      | ..                 |
 *      | load               |
 *      | save               |
 *      | return address     |                     | return address     |
 *      | EBP                |                     | EBP                |
 *      | EBX                |                     | EBX                |
 *      | ESI                |                     | ESI                |
 *      | EDI                | <- *save            | EDI                | <- load
 *
 * The flags need no place. On both sides interrupts are off and the direction is forward, as it is
 * between any two functions; the other flags mean nothing after a call.
 */
    .section .text.switch, "ax"
    .global switch
switch:
    mov     eax, [esp + 4]
    mov     edx, [esp + 8]
    push    ebp
    push    ebx
    push    esi
    push    edi
    mov     [eax], esp
    mov     esp, edx
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret
