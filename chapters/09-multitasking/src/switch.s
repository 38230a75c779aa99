/*
 * The context switch into another address space:
 * unsafe extern "C" fn switch_space(save: *mut u32, load: u32, from: ThreadId, to: ThreadId)
 *
 * As in chapter 8, but that both stacks may lie at the same addresses:
 *
 *      old address space                      new address space
 *
 *      | to                 |
 *      | from               |
 *      | load               |
 *      | save               |
 *      | return address     |                 | return address     |
 *      | EBP EBX ESI EDI    | <- *save        | EBP EBX ESI EDI    | <- load
 *
 * Between the change of CR3 and that of ESP, ESP points into a stack that is somebody else's, or not
 * there at all. So nothing may use the stack in between: no push, no pop, no call; and no interrupt,
 * for which the caller has turned them off. The code itself goes on as if nothing had happened, because
 * it lies at the same place in both address spaces.
 */
    .section .text.switch_space, "ax"
    .global switch_space
switch_space:
    mov     eax, [esp + 4]
    mov     edx, [esp + 8]
    mov     ecx, [esp + 16]
    mov     ecx, [{DIRECTORIES} + 4 * ecx]
    push    ebp
    push    ebx
    push    esi
    push    edi
    mov     [eax], esp
    mov     cr3, ecx
    mov     esp, edx
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret
