# chapter 4
#
# The CPU's descriptor tables, a gate and its stub, and the trap frame of an interrupt.

## tables
source book/gdb/kernel.gdb
continue
tables
tbreak ch04_interrupts::demonstrate
continue
tables
x/3xg segments::gdt::FLAT
## gate
set $gate = interrupts::idt::TABLE.inner.inner.data.value[3].__0
print/x $gate
x/3i ($gate & 0xffff) | ($gate >> 48 << 16)
## frame
tbreak ch04_interrupts::breakpoint
continue
backtrace
x/17xw frame
print/x frame.vector
x/2i frame.eip - 1
## change
print frame.eax
set var frame.eax = 100
tbreak *frame.eip
continue
info registers eax esp eip
