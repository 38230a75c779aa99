# chapter 6
#
# The first words of the heap, at the demonstration's second request for the heap's usage.

## block
continue
break heap::global::usage
continue
continue
x/4xw 0xc0000000
