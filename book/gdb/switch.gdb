# chapter 8
#
# A switch to a thread that has never run: what lies on both stacks.

## stacks
continue
break switch
continue
info registers ecx edx
stepi 6
x/5xw $esp
info symbol *(($esp + 8) as *mut u32)
info symbol *(($esp + 16) as *mut u32)
