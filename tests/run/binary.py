"""What tests that write modules byte by byte share: the binary format's integers and sections."""

HEADER = b"\0asm\1\0\0\0"


def leb(n):
    """An unsigned LEB128 integer."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def vector(items):
    return leb(len(items)) + b"".join(items)


def section(number, contents):
    return bytes([number]) + leb(len(contents)) + contents
