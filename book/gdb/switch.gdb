# chapter 8
#
# A switch to a thread that has never run: what lies on both stacks.

## stacks
continue
break switch
continue
x/3xw $esp
stepi 8
x/8xw $esp
info symbol *(($esp + 24) as *mut u32)
