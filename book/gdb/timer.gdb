# chapter 7
#
# The registers of the interrupt controllers: as the BIOS has left them, within a tick, and after it.

## controllers
continue
monitor info pic
break timer::tick::tick
continue
monitor info pic
finish
monitor info pic
