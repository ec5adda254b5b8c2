"""The sizes that the proofs of the memory models are about."""

WIDTH, SIZE = 64, 64  # bits of a word, bytes of a descriptor
MASK = (1 << WIDTH) - 1
SHIFTS = (15, 18)  # PFN_SECTION_SHIFT of x86_64 and riscv64, of arm64
FRAMES = 1 << 52  # a physical address has 64 bits at most
REAL = "descriptors of 64 bytes, sections of 2**15 and 2**18 frames"
