# chapter 1
#
# The machine's first instruction, the kernel's first, and the way into Rust.

## reset
set print asm-demangle on
x/i $cs * 16 + $eip
x/4xw 0x100000
## loaded
tbreak *_start
continue
x/4xw 0x100000
info registers eax ebx esp ebp eip cs cr0
x/8i $eip
## rust
stepi 7
x/3xw $esp
continue
backtrace
print/x magic
tbreak ch01_boot::kernel
continue
backtrace
next
next
