"""Draws compile speed against code quality as SVG, with every compiler that was measured; puts the
tables of all kinds into one page. Run by itself: plot.py [FOLDER [SVG]] draws what a run left."""
import glob
import json
import math
import os
import sys

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 30, 50, 60
# Peers by the names that code.json and compile.json give them.
LABELS = {"wjit": "wjit", "liftoff": "V8 Liftoff", "turbofan": "V8 TurboFan",
          "sm_baseline": "SpiderMonkey baseline", "sm_ion": "SpiderMonkey Ion", "jsc": "JSC"}
COLORS = {"wjit": "#c2410c"}
OTHER = "#475569"


def load(folder, kind):
    try:
        with open(os.path.join(folder, f"{kind}.json")) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def geomean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def points(folder):
    """{peer: (MB/s, time of its code over TurboFan's)} of peers for which both were measured."""
    seconds = load(folder, "code").get("seconds", {})
    modules = load(folder, "compile").get("modules", {})
    large = [m for m in modules.values() if m["code_section_bytes"] >= 200_000]
    found = {}
    for peer in LABELS:
        # Warm processes on all sides, where wjit was measured in one.
        speed = geomean(m.get(f"{peer}_warm_mb_s") or m.get(f"{peer}_mb_s") for m in large)
        ratios = [value / seconds[f"{name} turbofan"] for name, value in
                  ((key.rsplit(" ", 1)[0], v) for key, v in seconds.items()
                   if key.endswith(" " + peer)) if seconds.get(f"{name} turbofan")]
        quality = geomean(ratios)
        if speed and quality:
            found[peer] = (speed, quality)
    return found


def ticks(low, high):
    """1, 2 and 5 times powers of ten within the range."""
    steps = [m * 10.0 ** e for e in range(-3, 4) for m in (1, 2, 5)]
    return [s for s in steps if low <= s <= high]


class Axes:
    """Logarithmic both ways: x from slow to fast compilation, y from slow code up to fast."""

    def __init__(self, found):
        speeds = [speed for speed, _ in found.values()]
        times = [quality for _, quality in found.values()]
        self.x = (min(speeds) / 2, max(speeds) * 2.5)
        self.y = (min(*times, 1) / 1.25, max(*times, 1) * 1.25)

    @staticmethod
    def place(value, limits, start, end):
        low, high = map(math.log, limits)
        return start + (math.log(value) - low) / (high - low) * (end - start)

    def at(self, speed, quality):
        return (self.place(speed, self.x, LEFT, WIDTH - RIGHT),
                self.place(quality, self.y, TOP, HEIGHT - BOTTOM))


def text(x, y, words, anchor="middle", size=13, color="#1e293b", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{color}" {more}>{words}</text>')


def line(x1, y1, x2, y2, color="#cbd5e1"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"/>'


def draw(found):
    axes = Axes(found)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             text(WIDTH / 2, 26, "Compile speed and code quality: up and to the right is better",
                  size=15)]
    for value in ticks(*axes.x):
        x = axes.at(value, 1)[0]
        parts += [line(x, TOP, x, HEIGHT - BOTTOM),
                  text(x, HEIGHT - BOTTOM + 18, f"{value:g}")]
    for value in ticks(*axes.y):
        y = axes.at(axes.x[0], value)[1]
        parts += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 8, y + 4, f"{value:g}", "end")]
    parts += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16,
                   "compilation, MB/s of the code section, one thread"),
              text(22, (TOP + HEIGHT - BOTTOM) / 2, "time of the code over TurboFan's",
                   more=f'transform="rotate(-90 22 {(TOP + HEIGHT - BOTTOM) / 2:.0f})"')]
    for peer, (speed, quality) in found.items():
        x, y = axes.at(speed, quality)
        color = COLORS.get(peer, OTHER)
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="{color}"/>',
                  text(x, y - 14, LABELS[peer], color=color),
                  text(x, y + 22, f"{speed:.3g} MB/s, {quality:.2f}", size=11, color=color)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(path, content):
    with open(path + ".new", "w") as f:
        f.write(content)
    os.replace(path + ".new", path)


def write_all(folder, svg=None):
    """The picture, where there is something to draw, and the page of all tables."""
    found = points(folder)
    if found:
        write(svg or os.path.join(folder, "speed.svg"), draw(found))
    pages = []
    for path in sorted(glob.glob(os.path.join(folder, "*.md"))):
        if os.path.basename(path) != "report.md":
            with open(path) as f:
                pages.append(f.read())
    if pages:
        write(os.path.join(folder, "report.md"), "# Benchmarks\n\n" + "\n".join(pages))


if __name__ == "__main__":
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    write_all(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "build", "bench"),
              sys.argv[2] if len(sys.argv) > 2 else None)
