/*
 * The context switch into another address space:
 * unsafe extern "fastcall" fn switch_space(from: ThreadId, to: ThreadId)
 *
 * As in chapter 8, but both stacks may lie at the same virtual addresses:
 *
 *      old address space                      new address space
 *
 *      | return address     |                 | return address     |
 *      | EBP EBX ESI EDI    | <- of `from`    | EBP EBX ESI EDI    | <- of `to`
 *
 * The instant CR3 changes, ESP points into another task's stack, or to no stack at all. So nothing may use
 * the stack until ESP has changed too: no push, no pop, no call, and no interrupt (the caller has turned
 * interrupts off). The code itself goes on as if nothing had happened, because it lies at the same place in
 * both address spaces.
 *
 * CR3 is loaded only if it changes, because loading it empties the TLB. The TSS of the double fault holds the same
 * directory as CR3, so that the double fault handler runs in the address space in use.
 */
    .section .text.switch_space, "ax"
    .global switch_space
switch_space:
    push    ebp
    push    ebx
    push    esi
    push    edi
    mov     [thread_contexts + 4 * ecx - 4], esp
    mov     eax, [{DIRECTORIES} + 4 * edx - 4]
    cmp     eax, [{DOUBLE_FAULT} + {CR3}]
    je      1f
    mov     [{DOUBLE_FAULT} + {CR3}], eax
    mov     cr3, eax
1:  mov     esp, [thread_contexts + 4 * edx - 4]
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret
