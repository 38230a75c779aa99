/*
 * The context switch: unsafe extern "fastcall" fn switch(from: ThreadId, to: ThreadId)
 *
 * ECX is `from` and EDX is `to`: their slots plus one. The pushes and the return address of the call make a Context on
 * the old thread's stack; the pops and `ret` consume the Context on the new thread's stack. The entry of each thread in
 * `thread_contexts` (context.rs) has the address of its Context:
 *
 *      the old thread's stack                     the new thread's stack
 *
 *      | ..                 |                     | ..                 |
 *      | return address     |                     | return address     |
 *      | EBP                |                     | EBP                |
 *      | EBX                |                     | EBX                |
 *      | ESI                |                     | ESI                |
 *      | EDI                | <- entry of `from`  | EDI                | <- entry of `to`
 *
 * The flags are not saved. IF and DF are the same in both threads: interrupts are off, and the direction is forward, as
 * the ABI demands at every call. The other flags mean nothing after a call.
 */
    .section .text.switch, "ax"
    .global switch
switch:
    push    ebp
    push    ebx
    push    esi
    push    edi
    mov     [thread_contexts + 4 * ecx - 4], esp
    mov     esp, [thread_contexts + 4 * edx - 4]
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret

/*
 * Where a new thread begins. Its Context (Context::new) has the function to call in EDI, and that function's
 * arguments in EBX and ESI. The function never returns, so its return address is 0, which ends a trace. The count of
 * reasons for interrupts to be off becomes OffCount::START (common/src/lock.rs), as for every thread that has just
 * begun.
 */
    .global thread_start
thread_start:
    mov     dword ptr [reasons_for_interrupts_off], 1
    push    esi
    push    ebx
    push    0
    jmp     edi
