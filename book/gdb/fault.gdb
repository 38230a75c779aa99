# chapter 5
#
# A page fault, and the walk of the page tables before and after its handler.

## fault
source book/gdb/kernel.gdb
continue
tbreak ch05_paging::repair
continue
print $cr0
print/x $cr2
print/x frame.error_code
x/i frame.eip
## before
print 0x50000000 >> 22
x/xw $cr3 + 4 * (0x50000000 >> 22)
## after
tbreak *frame.eip
continue
x/xw $cr3 + 4 * (0x50000000 >> 22)
walk 0x50000000
stepi
x/dw 0x50000000
walk 0x50000000
monitor xp /1dw 0x138000
## map
walk 0x109000
walk 0x400000
walk 0xc12345
monitor info mem
