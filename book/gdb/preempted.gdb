# chapter 8
#
# A thread that was interrupted in the middle of its work: its whole state is on its stack.

## stack
continue
break switch
continue
continue
continue
continue
stepi 4
p/x $esp
x/51xw $esp
info symbol *(($esp + 16) as *mut u32)
info symbol *(($esp + 60) as *mut u32)
info symbol *(($esp + 124) as *mut u32)
