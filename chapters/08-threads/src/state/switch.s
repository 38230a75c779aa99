/*
 * The context switch: unsafe extern "fastcall" fn switch(save: *mut *mut Context, load: *mut Context)
 *
 * ECX is `save` and EDX is `load`. The pushes and the return address of the call make a Context on the old
 * thread's stack; the pops and `ret` consume the one on the new thread's stack:
 *
 *      the old thread's stack                     the new thread's stack
 *
 *      | ..                 |                     | ..                 |
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
    push    ebp
    push    ebx
    push    esi
    push    edi
    mov     [ecx], esp
    mov     esp, edx
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret

/*
 * Where a new thread starts. Its Context (Context::new) has the function to call in EDI, and that function's
 * arguments in EBX and ESI. The function never returns, so its return address is 0, which ends a trace.
 */
    .global thread_start
thread_start:
    push    esi
    push    ebx
    push    0
    jmp     edi
