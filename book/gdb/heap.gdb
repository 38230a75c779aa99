# chapter 6
#
# The first words of the heap, when the demonstration asks for the second time how full it is.

## block
continue
break heap::global::usage
continue
continue
x/4xw 0xc0000000
