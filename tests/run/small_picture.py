"""FILE: writes a PNG of 16 x 16 pixels of many colours, for networks that take their time."""
import struct
import sys
import zlib

SIZE = 16


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data
            + struct.pack(">I", zlib.crc32(kind + data)))


rows = b"".join(b"\0" + bytes(v & 255 for x in range(SIZE)
                              for v in (17 * x + 5 * y, 7 * x * y, 240 - 11 * y + 3 * x))
                for y in range(SIZE))
with open(sys.argv[1], "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n"
               + chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0))
               + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
