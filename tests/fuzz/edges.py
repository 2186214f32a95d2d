"""Operands that operations go wrong at: not a list of them but how such numbers are made, so that
each module has others."""
import struct

MANTISSA_BITS = {"f32": 24, "f64": 53}
SMALL = [0, 1, -1, 2, 3, 5, 7, 9, 31, 32, 63, 64, 255, -128, 4096, 65535]
FLOATS = ["0", "-0", "1", "-1", "0.5", "-0.5", "1.5", "-1.5", "2.5", "inf", "-inf", "nan", "nan"]
EXTREMES = {"f32": ["0x1p-149", "-0x1p-126", "0x1.fffffep+127", "-0x1p+31", "0x1p+63"],
            "f64": ["0x1p-1074", "-0x1p-1022", "0x1.fffffffffffffp+1023", "-0x1p+63", "1e300"]}


def signed(value, bits):
    return (value + 2**(bits - 1)) % 2**bits - 2**(bits - 1)


def near_power(random, bits):
    """A power of two, or one beside it, of either sign: where widths, signs and carries end."""
    value = 2**random.randrange(bits) + random.choice([-1, 0, 0, 1])
    return signed(value if random.random() < 0.6 else -value, bits)


def near_tie(random, bits, to=None):
    """Half way between two floats, or one beside that: what the last bit of a conversion is for."""
    mantissa = MANTISSA_BITS.get(to) or random.choice(list(MANTISSA_BITS.values()))
    if mantissa >= bits:
        mantissa = MANTISSA_BITS["f32"]
    more = bits - mantissa if random.random() < 0.7 else random.randint(1, bits - mantissa)
    value = (2**(mantissa - 1) + random.getrandbits(mantissa - 1)) * 2**more
    value += 2**(more - 1) + random.choice([-1, 0, 1, 1])
    return signed(value if random.random() < 0.7 else -value, bits)


def integer(random, t):
    bits = int(t[1:])
    choice = random.random()
    if choice < 0.5:
        return random.choice(SMALL)
    if choice < 0.8:
        return near_power(random, bits)
    return near_tie(random, bits) if choice < 0.9 else signed(random.getrandbits(bits), bits)


def text_of(value, t):
    """A number that the type has, in the text format."""
    if t == "f32":
        try:
            value = struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            return "inf"
    return value.hex()


def floating(random, t):
    choice = random.random()
    if choice < 0.5:
        return random.choice(FLOATS)
    if choice < 0.6:
        return random.choice(EXTREMES[t])
    if choice < 0.85:
        # Where conversions to integers end, and halves, that roundings differ on.
        value = float(near_power(random, 65)) + random.choice([0, 0, 0.5, -0.5, 0.25])
        return text_of(value, t)
    if choice < 0.95:
        # Half way between two of the other type, and the last bit beside.
        value = float(2**52 + near_tie(random, 32) * 2**20 + random.choice([-1, 0, 1]))
        return text_of(value * 2.0**random.choice([-52, -30, 0, 40, -190]), t)
    return text_of(random.uniform(-4, 4), t)


def constant(random, t):
    return str(integer(random, t) if t[0] == "i" else floating(random, t))


def lanes(random):
    """A vector's constant; as often as not its lanes are floats."""
    shape, count = random.choice([("i8x16", 16), ("i16x8", 8), ("i32x4", 4), ("i64x2", 2),
                                  ("f32x4", 4), ("f64x2", 2), ("f64x2", 2)])
    if shape[0] == "f":
        each = [floating(random, shape[:3]) for _ in range(count)]
    else:
        bits = 128 // count
        each = [(random.choice(SMALL) if random.random() < 0.5 else random.getrandbits(bits))
                % 2**bits for _ in range(count)]
    return f"v128.const {shape} {' '.join(map(str, each))}"
