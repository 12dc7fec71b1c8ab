"""What freed arrays become: memory for the next ones, and not the system's again. Stands on NumPy alone.

glibc hands every freed block above a threshold back to the system, and the next array of that size is then mapped and cleared
page by page, which costs more than what is computed in it: a step of a small convolutional network spent a third of its time
there. glibc raises that threshold to the size of the largest block that was freed, up to 32 MB, and it keeps twice as much. So
one block of that size, freed unused at import, settles it; it costs microseconds, and up to 64 MB stay with the process. Who
sets MALLOC_TRIM_THRESHOLD_ or MALLOC_MMAP_THRESHOLD_ in the environment has decided otherwise; other allocators do not notice.
"""

import numpy as np

LARGEST = 2**25 - 2**16  # bytes: just below what glibc takes into account

np.empty(LARGEST, np.uint8)
