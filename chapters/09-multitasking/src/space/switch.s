/*
 * The context switch into another address space:
 * unsafe extern "fastcall" fn switch_space(save: *mut *mut Context, load: *mut Context)
 *
 * As in chapter 8, but both stacks may lie at the same addresses:
 *
 *      old address space                      new address space
 *
 *      | return address     |                 | return address     |
 *      | EBP EBX ESI EDI    | <- *save        | EBP EBX ESI EDI    | <- load
 *
 * The instant CR3 changes, ESP points into another task's stack, or to no stack at all. So nothing may use
 * the stack until ESP has changed too: no push, no pop, no call; and no interrupt, which the caller has
 * turned off. The code itself goes on as if nothing had happened, because it lies at the same place in
 * both address spaces.
 *
 * CR3 is not loaded where it would not change: loading it makes the CPU forget its translations.
 */
    .section .text.switch_space, "ax"
    .global switch_space
switch_space:
    push    ebp
    push    ebx
    push    esi
    push    edi
    mov     [ecx], esp
    mov     eax, [{NEXT_DIRECTORY}]
    mov     ecx, cr3
    cmp     eax, ecx
    je      1f
    mov     cr3, eax
1:  mov     esp, edx
    pop     edi
    pop     esi
    pop     ebx
    pop     ebp
    ret
