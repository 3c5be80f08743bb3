"""Writes stills in old and rare formats by their specifications: the bytes of a file, and the image that it shows."""

import re
import struct

from PIL import Image

SIZE = WIDTH, HEIGHT = 21, 6


def drawn(mode="RGB"):
    """No two pixels are alike, and no channel is another."""
    image = Image.new("RGBA", SIZE)
    for x in range(WIDTH):
        for y in range(HEIGHT):
            image.putpixel((x, y), (12 * x + y, 250 - 40 * y, (37 * x + 11 * y) % 256, 255 - 10 * x - y))
    return image.convert("RGB").convert(mode) if mode in ("L", "RGB", "1") else image


def indexed(colors, size=SIZE):
    """An image of so many colors, its indices row by row, and its palette."""
    width, height = size
    palette = [
        ((53 * number + 16) & 0xFC, (151 * number) & 0xFC, (91 * number + 80) & 0xFC) for number in range(colors)
    ]
    indices = bytes((3 * x + 7 * y) % colors for y in range(height) for x in range(width))
    image = Image.new("RGB", size)
    image.putdata([palette[index] for index in indices])
    return image, rows_of(indices, width), palette


def rows_of(data, length):
    return [data[start : start + length] for start in range(0, len(data), length)]


def pack_bits(row):
    """One copy, then runs, as in PackBits and ByteRun1. Of up to 256 bytes."""
    half = len(row) // 2
    packed = bytes((half - 1,)) + row[:half]
    for run in re.finditer(rb"(.)\1{0,99}", row[half:], re.DOTALL):
        packed += bytes((257 - len(run[0]) & 0xFF,)) + run[1] if len(run[0]) > 1 else b"\0" + run[1]
    return packed


def planes_of(row, planes):
    """Each plane has one bit of each pixel, in words of 16 bits."""
    length = -(-len(row) // 16) * 16
    for plane in range(planes):
        bits = "".join(str(value >> plane & 1) for value in row).ljust(length, "0")
        yield int(bits, 2).to_bytes(length // 8)


def sunrast_raw():
    image = drawn()
    rows = (row + b"\0" for row in rows_of(image.tobytes("raw", "BGR"), 3 * WIDTH))
    return struct.pack(">8I", 0x59A66A95, *SIZE, 24, 64 * HEIGHT, 1, 0, 0) + b"".join(rows), image


def sunrast_palette():
    """With run lengths: 0x80 begins a run, of which 0 means the value itself."""
    image, rows, palette = indexed(200)
    body = b"".join(row + row[-1:] for row in rows).replace(b"\x80", b"\x80\0") + b"\x80\4\7"
    colors = b"".join(bytes(channel) for channel in zip(*palette, strict=True))
    return struct.pack(">8I", 0x59A66A95, *SIZE, 8, len(body), 2, 1, len(colors)) + colors + body, image


def sunrast_bits():
    """Black is 1."""
    image = drawn("1")
    rows = (row + b"\0" for row in rows_of(image.tobytes("raw", "1;I"), -(-WIDTH // 8)))
    return struct.pack(">8I", 0x59A66A95, *SIZE, 1, 4 * HEIGHT, 1, 0, 0) + b"".join(rows), image


def xbm():
    image = drawn("1")
    rows = rows_of(image.tobytes("raw", "1;IR"), -(-WIDTH // 8))
    body = ", ".join(f"0x{value:02x}" for row in rows for value in row)
    header = f"#define test_width {WIDTH}\n#define test_height {HEIGHT}\nstatic unsigned char test_bits[] = {{\n"
    return f"{header}{body} }};\n".encode(), image


def xpm(letters="abcd", colors=("#c03020", "#30C020", "Black", "None")):
    rows = [[letters[(x + 2 * y) % len(letters)] for x in range(WIDTH)] for y in range(HEIGHT)]
    shown = dict(zip(letters, ((192, 48, 32, 255), (48, 192, 32, 255), (0, 0, 0, 255), (0, 0, 0, 0)), strict=True))
    image = Image.new("RGBA", SIZE)
    image.putdata([shown[letter] for row in rows for letter in row])
    named = [f"{letter} c {color}" for letter, color in zip(letters, colors, strict=True)]
    lines = [f"{WIDTH} {HEIGHT} {len(letters)} {len(letters[0])}", *named, *("".join(row) for row in rows)]
    body = ",\n".join(f'"{line}"' for line in lines)
    return f"/* XPM */\nstatic char *test[] = {{\n{body}\n}};\n".encode(), image


def xwd():
    """A window of 32 bits a pixel and a depth of 24, as servers write it: the eight bits of alpha are 0."""
    image = drawn()
    rows = rows_of(image.convert("RGBA").tobytes("raw", "BGRA"), 4 * WIDTH)
    return _xwd(rows, depth=24, bits=32, visual=4), image


def xwd_palette():
    """Numbers of 16 bits a channel."""
    image, rows, palette = indexed(200)
    colors = b"".join(
        struct.pack(">I3HBB", number, *(257 * value for value in color), 7, 0) for number, color in enumerate(palette)
    )
    return _xwd([row + bytes(3) for row in rows], colors, depth=8, bits=8, visual=3), image


def _xwd(rows, colors=b"", *, depth, bits, visual):
    masks = (0xFF0000, 0xFF00, 0xFF) if visual == 4 else (0, 0, 0)
    entries = len(colors) // 12
    fields = (104, 7, 2, depth, *SIZE, 0, 0, 32, 0, 32, bits, len(rows[0]), visual, *masks, 8, entries, entries, *SIZE)
    return struct.pack(">22I3I", *fields, 0, 0, 0) + b"xwd\0" + colors + b"".join(rows)


def pam(kind="RGB_ALPHA", most=255):
    mode = {"RGB_ALPHA": "RGBA", "RGB": "RGB", "GRAYSCALE": "L"}[kind]
    image = drawn(mode)
    values = image.tobytes()
    body = values if most == 255 else struct.pack(f">{len(values)}H", *(257 * value for value in values))
    header = f"P7\n# by hand\nWIDTH {WIDTH}\nHEIGHT {HEIGHT}\nDEPTH {len(image.getbands())}\nMAXVAL {most}\n"
    return f"{header}TUPLTYPE {kind}\nENDHDR\n".encode() + body, image


def pgx(bits=8, sign="+"):
    image = drawn("L")
    highest, lowest = (1 << bits) - 1, 1 << bits - 1 if sign == "-" else 0
    values = [(value * highest + 127) // 255 - lowest for value in image.tobytes()]
    number = ("b" if sign == "-" else "B") if bits <= 8 else ("h" if sign == "-" else "H")
    return f"PG ML {sign} {bits} {WIDTH} {HEIGHT}\n".encode() + struct.pack(f">{len(values)}{number}", *values), image


def photo_cd(turned=0, y=120, first=156, second=137):
    """The base image, in one color: pairs of lines of Y, then a line of each chrominance (768x512)."""
    head = bytearray(196_608)
    head[2048:2055], head[3586] = b"PCD_IPI", turned
    return bytes(head) + (bytes((y,)) * 1536 + bytes((first,)) * 384 + bytes((second,)) * 384) * 256


def pict_palette(size=(255, 5)):
    """Opcode 0x98: a pixel map of eight bits, packed."""
    image, rows, palette = indexed(100, size)
    table = b"".join(
        struct.pack(">4H", number, *(257 * value for value in color)) for number, color in enumerate(palette)
    )
    fields = _pixel_map(size, 0, 0, 8, 1) + struct.pack(">IHH", 0, 0, len(palette) - 1) + table
    return _picture(
        size, b"\0\x98" + struct.pack(">H", 0x8000 | size[0] + 1) + fields, [row + b"\0" for row in rows]
    ), image


def pict_direct():
    """Opcode 0x9A: 32 bits a pixel, each line packed a channel after the other."""
    image = Image.radial_gradient("L").resize((80, 5))
    image = Image.merge("RGB", (image, image.rotate(180), Image.linear_gradient("L").resize((80, 5))))
    rows = [row[0::3] + row[1::3] + row[2::3] for row in rows_of(image.tobytes(), 240)]
    opcode = b"\0\x9a\0\0\0\xff" + struct.pack(">H", 0x8000 | 320) + _pixel_map(image.size, 4, 16, 32, 3)
    return _picture(image.size, opcode, rows), image


def _pixel_map(size, packing, kind, bits, channels):
    bounds = struct.pack(">4H", 0, 0, size[1], size[0])
    resolution = struct.pack(">II", 72 << 16, 72 << 16)
    return bounds + struct.pack(">HHI", 0, packing, 0) + resolution + struct.pack(">4H12x", kind, bits, channels, 8)


def _picture(size, opcode, rows):
    """Version 2, with one bitmap that covers all of it."""
    rectangle = struct.pack(">4H", 0, 0, size[1], size[0])
    header = b"\0\x11\x02\xff\x0c\0\xff\xff" + bytes(22)
    packed = [pack_bits(row) for row in rows]
    body = opcode + 2 * rectangle + b"\0\0" + b"".join(struct.pack(">H", len(row)) + row for row in packed)
    return bytes(512) + b"\0\0" + rectangle + header + body + bytes(len(body) % 2) + b"\0\xff"


def pictor():
    """256 colors of six bits, lines from the bottom to the top, in one block with runs."""
    image, rows, palette = indexed(150)
    colors = b"".join(bytes(value >> 2 for value in color) for color in palette).ljust(768, b"\0")
    values = b"".join(reversed(rows))
    packed = values[:-3] + b"\xfa\1" + values[-3:-2] + values[-2:]
    block = struct.pack("<HHB", 5 + len(packed), len(values), 0xFA) + packed
    header = struct.pack("<HHHHHBBBHH", 0x1234, *SIZE, 0, 0, 8, 0xFF, ord("L"), 4, len(colors))
    return header + colors + struct.pack("<H", 1) + block, _doubled(image)


def _doubled(image):
    """Six bits a channel, as a VGA showed them: the highest two repeated below."""
    return image.point(lambda value: value & 0xFC | value >> 6)


def gem():
    """Black and white; a run, a copy and a pattern in turn."""
    image = drawn("1")
    length = -(-WIDTH // 8)
    body = b"".join(b"\x80" + bytes((length,)) + row for row in rows_of(image.tobytes("raw", "1;I"), length))
    return struct.pack(">8H", 1, 8, 1, 1, 372, 372, *SIZE) + body, image


def gem_colors():
    """XIMG: a palette in thousandths."""
    image, rows, palette = indexed(16)
    colors = b"".join(struct.pack(">3H", *(round(value / 255 * 1000) for value in color)) for color in palette)
    header = struct.pack(">8H4sH", 1, 11 + len(colors) // 2, 4, 2, 372, 372, *SIZE, b"XIMG", 0)
    length = -(-WIDTH // 8)
    body = b"".join(b"\x80" + bytes((length,)) + plane[:length] for row in rows for plane in planes_of(row, 4))
    return header + colors + body, image


def vbn(mode="RGB"):
    image = drawn(mode)
    body = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes()
    bands = len(mode)
    header = struct.pack("<10I", 0x900DF11E, 3, 4, *SIZE, bands, 0, {3: 3, 4: 5}[bands], 0, len(body))
    return header.ljust(192, b"\0") + body, image


def cri(*extra, colors=((200, 120, 40), (30, 60, 220)), model=90, size=(32, 8)):
    """Numbers of 16 bits of a sensor, half in each color: lines of red and green, then of green and blue."""
    width, height = size
    image = Image.new("RGB", size, colors[0])
    image.paste(colors[1], (width // 2, 0, width, height))
    body = b""
    for y in range(height):
        places = (0, 1) if y % 2 == 0 else (1, 2)
        body += b"".join(
            struct.pack("<2H", *(257 * color[place] for place in places)) * (width // 4) for color in colors
        )
    header = cri_chunk(1, b"DVCC") + cri_chunk(100, struct.pack("<4I", *size, model, 1)) + cri_chunk(101, bytes(4))
    return header + b"".join(extra) + cri_chunk(103, body), image


def cri_chunk(key, content):
    return struct.pack("<II", key, len(content)) + content


def ilbm():
    """Five planes, packed; the color of index 0 is not transparent."""
    image, rows, palette = indexed(32)
    body = b"".join(pack_bits(plane) for row in rows for plane in planes_of(row, 5))
    return _iff(b"ILBM", 5, body, palette), image


def ilbm_half_bright():
    """Six planes: the highest bit halves the color of the other five."""
    palette = [(8 * number, 255 - 8 * number, 8 * (number ^ 9)) for number in range(32)]
    rows = [[(7 * x + 5 * y) % 64 for x in range(WIDTH)] for y in range(HEIGHT)]
    image = Image.new("RGB", SIZE)
    shown = [tuple(value >> (number >> 5) for value in palette[number & 31]) for row in rows for number in row]
    image.putdata(shown)
    body = b"".join(pack_bits(plane) for row in rows for plane in planes_of(row, 6))
    return _iff(b"ILBM", 6, body, palette, screen=0x80), image


def ilbm_deep():
    """24 planes, not packed: the lowest bit of red first."""
    image = drawn()
    body = b"".join(
        plane
        for row in rows_of(image.tobytes(), 3 * WIDTH)
        for channel in range(3)
        for plane in planes_of(row[channel::3], 8)
    )
    return _iff(b"ILBM", 24, body, packing=0), image


def ilbm_ham():
    """Six planes: four bits are an index or replace the highest bits of blue, red or green of the pixel before."""
    palette = [(17 * number, 255 - 17 * number, 17 * (number ^ 5)) for number in range(16)]
    image, rows = Image.new("RGB", SIZE), []
    for y in range(HEIGHT):
        row = [(x % 4) << 4 | (5 * x + y) % 16 for x in range(WIDTH)]
        color = palette[0]
        for x, value in enumerate(row):
            kind, number = value >> 4, value & 15
            place = {1: 2, 2: 0, 3: 1}.get(kind)
            color = palette[number] if place is None else (*color[:place], 17 * number, *color[place + 1 :])
            image.putpixel((x, y), color)
        rows.append(row)
    body = b"".join(pack_bits(plane) for row in rows for plane in planes_of(row, 6))
    return _iff(b"ILBM", 6, body, palette, screen=0x800), image


def pbm(size=(22, 6)):
    """Deluxe Paint: a byte a pixel."""
    image, rows, palette = indexed(200, size)
    return _iff(b"PBM ", 8, b"".join(map(pack_bits, rows)), palette, size=size), image


def _iff(kind, planes, body, palette=(), *, packing=1, size=SIZE, screen=0):
    chunk = lambda name, content: name + struct.pack(">I", len(content)) + content + bytes(len(content) % 2)  # noqa: E731
    header = struct.pack(">HHhhBBBBHBBHH", *size, 0, 0, planes, 0, packing, 0, 0, 1, 1, *size)
    colors = chunk(b"CMAP", b"".join(map(bytes, palette))) if palette else b""
    colors += chunk(b"CAMG", struct.pack(">I", screen))
    return chunk(b"FORM", kind + chunk(b"BMHD", header) + colors + chunk(b"BODY", body))


def fits():
    """Numbers of 16 bits, the lowest shown as black and the highest as white; lines from the bottom to the top."""
    image = drawn("L")
    image.putpixel((0, 0), 0)
    image.putpixel((1, 0), 255)
    body = struct.pack(f">{WIDTH * HEIGHT}h", *(20 * value - 1000 for value in _upwards(image).tobytes()))
    return _fits_header(16, SIZE) + body + bytes(-len(body) % 2880), image


def fits_colors():
    image = drawn()
    body = b"".join(channel.tobytes() for channel in _upwards(image).split())
    return _fits_header(8, (*SIZE, 3), "CTYPE3  = 'RGB     '") + body + bytes(-len(body) % 2880), image


def _fits_header(bits, sizes, *more):
    numbers = {"BITPIX": bits, "NAXIS": len(sizes), **{f"NAXIS{place}": side for place, side in enumerate(sizes, 1)}}
    cards = [f"SIMPLE  = {'T':>20}", *(f"{name:8}= {value:>20}" for name, value in numbers.items()), *more, "END"]
    text = "".join(f"{card:80}" for card in cards).encode()
    return text + b" " * (-len(text) % 2880)


def _upwards(image):
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def brender(mode="RGB"):
    image = drawn(mode)
    channels = image.split()
    body = Image.merge(mode, channels[-1:] + channels[:-1] if mode == "RGBA" else channels).tobytes()
    return _brender({"RGB": 6, "RGBA": 8}[mode]) + struct.pack(">3I", 0x21, len(body), 0) + bytes(4) + body, image


def _brender(kind):
    magic = struct.pack(">4I", 0x12, 8, 2, 2)
    return magic + struct.pack(">IIBHHHHH", 3, 11, kind, 0, *SIZE, 0, 0)


def brender_words(kind, value):
    """Of 16 bits a pixel, all in one color."""
    body = struct.pack(">H", value) * (WIDTH * HEIGHT)
    return _brender(kind) + struct.pack(">3I", 0x21, len(body), 0) + bytes(4) + body


def txd_palette():
    image, rows, palette = indexed(90)
    colors = b"".join(bytes((*color, 255)) for color in palette).ljust(1024, b"\0")
    body = b"".join(rows)
    return _txd(8, 0, colors + struct.pack("<I", len(body)) + body), image


def txd_compressed():
    """DXT1, in blocks of 4x4 pixels: two colors of 16 bits, then two bits a pixel, here all of the first color."""
    colors = [(255, 0, 255), (0, 255, 0), (255, 255, 0), (0, 0, 255)]
    words = [(red >> 3) << 11 | (green >> 2) << 5 | blue >> 3 for red, green, blue in colors]
    image = Image.new("RGB", (8, 8))
    for number, color in enumerate(colors):
        left, top = number % 2 * 4, number // 2 * 4
        image.paste(color, (left, top, left + 4, top + 4))
    body = b"".join(struct.pack("<HHI", word, 0, 0) for word in words)
    return _txd(16, int.from_bytes(b"DXT1", "little"), struct.pack("<I", len(body)) + body, (8, 8)), image


def _txd(depth, d3d_format, body, size=SIZE):
    mark = b"\xff\xff\3\x18"
    chunk = lambda key, content: struct.pack("<II", key, len(content)) + mark + content  # noqa: E731
    texture = struct.pack("<I", 8).ljust(76, b"\0") + struct.pack("<IHHBBBB", d3d_format, *size, depth, 1, 4, 0) + body
    return chunk(0x16, chunk(1, struct.pack("<HH", 1, 0)) + chunk(0x15, chunk(1, texture)))


def psd(mode="RGB", bits=8, profile=b""):
    """One channel after the other, not packed; the colors of CMYK inverted."""
    image = drawn(mode if mode != "CMYK" else "RGB").convert(mode)
    number = {"L": 1, "RGB": 3, "RGBA": 3, "CMYK": 4}[mode]
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, len(image.getbands()), HEIGHT, WIDTH, bits, number)
    named = b"\7a title" + struct.pack(">I", len(profile)) + profile + bytes(len(profile) % 2)
    resources = b"8BIM\4\x0f" + named if profile else b""
    values = b"".join(channel.tobytes() for channel in image.split())
    if mode == "CMYK":
        values = bytes(255 - value for value in values)
    body = values if bits == 8 else struct.pack(f">{len(values)}H", *(257 * value for value in values))
    return header + struct.pack(">II", 0, len(resources)) + resources + struct.pack(">IH", 0, 0) + body, image


def psd_palette():
    image, rows, palette = indexed(200)
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, HEIGHT, WIDTH, 8, 2)
    colors = b"".join(bytes(channel).ljust(256, b"\0") for channel in zip(*palette, strict=True))
    packed = [pack_bits(row) for row in rows]
    lengths = struct.pack(f">{HEIGHT}H", *map(len, packed))
    return header + struct.pack(">I", 768) + colors + struct.pack(">IIH", 0, 0, 1) + lengths + b"".join(packed), image


def msp():
    """Of Windows 1: rows of bits."""
    image = drawn("1")
    return _msp(b"DanM") + image.tobytes(), image


def msp_packed():
    """Of Windows 2: the length of each line, then runs (0, length, value) and copies (length, values)."""
    image = drawn("1")
    rows = rows_of(image.tobytes(), -(-WIDTH // 8))
    lines = [bytes((len(row) - 1,)) + row[:-1] + b"\0\1" + row[-1:] for row in rows]
    return _msp(b"LinS") + struct.pack(f"<{HEIGHT}H", *map(len, lines)) + b"".join(lines), image


def _msp(magic):
    return with_checksum(magic + struct.pack("<10H", *SIZE, 1, 1, 1, 1, *SIZE, 0, 0) + bytes(8))


def with_checksum(content):
    """The exclusive or of the words of the header is 0."""
    words = struct.unpack("<16H", content[:32])
    total = 0
    for word in (*words[:12], *words[13:]):
        total ^= word
    return content[:24] + struct.pack("<H", total) + content[26:]
