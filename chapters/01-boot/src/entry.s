/*
 * The first instructions of the kernel.
 *
 * EAX holds the loader's magic number, EBX the address of its boot information; ESP is undefined
 * (Multiboot2 3.3). The boot stack grows down from stack_top (linker.ld):
 *
 *      stack_top ->  +---------------------+
 *                    | information (EBX)   |  second argument of kernel_main
 *                    | magic (EAX)         |  first argument
 *                    | return address      |  of the call; kernel_main never returns
 *                    +---------------------+
 *
 * EBP = 0 marks the outermost call, where a backtrace ends.
 */
    .section .text._start, "ax"
    .global _start
_start:
    cli
    cld
    mov     esp, offset stack_top
    xor     ebp, ebp
    push    ebx
    push    eax
    call    kernel_main
    ud2
