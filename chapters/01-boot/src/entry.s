/*
 * The first instructions of the kernel.
 *
 * EAX holds the loader's magic number, and EBX the address of its boot information. ESP is undefined
 * (Multiboot2 3.3). The boot stack grows down from stack_top (linker.ld):
 *
 *      stack_top ->  +---------------------+
 *                    | information (EBX)   |  second argument of kernel_main
 *                    | magic (EAX)         |  first argument
 *                    | return address      |  never used, because kernel_main does not return
 *                    +---------------------+
 *
 * EBP is 0 in the outermost call. A backtrace ends there.
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
