"""Lines of a given width."""


def wrap(text, width=72):
    """Paragraphs (parted by empty lines) with lines of at most ``width``; longer words are cut."""
    if width < 2:
        raise ValueError("a line needs two characters at least")
    paragraphs = [paragraph.split() for paragraph in text.split("\n\n")]
    return "\n\n".join("\n".join(_fill(words, width)) for words in paragraphs if words)


def _fill(words, width):
    lines, line = [], ""
    for word in _pieces(words, width):
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= width:
            line += " " + word
        else:
            lines.append(line)
            line = word
    if line:
        lines.append(line)
    return lines


def _pieces(words, width):
    for word in words:
        while len(word) > width:
            yield word[: width - 1] + "-"
            word = word[width - 1 :]
        yield word


def indent(text, by=4, first=None):
    """Every line moved to the right, empty ones excepted; ``first`` is for the first line."""
    lines = []
    for number, line in enumerate(text.split("\n")):
        margin = first if number == 0 and first is not None else by
        lines.append(" " * margin + line if line.strip() else "")
    return "\n".join(lines)


def dedent(text):
    """Without the margin that all lines share; empty lines do not count."""
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(line[margin:] if line.strip() else "" for line in lines)


def justify(line, width):
    """Spread the words of a line over the width; wider gaps come first."""
    words = line.split()
    if len(words) < 2:
        return line.strip()
    spare = width - sum(len(word) for word in words)
    gaps = len(words) - 1
    if spare < gaps:
        return " ".join(words)
    each, more = divmod(spare, gaps)
    parts = [words[0]]
    for at, word in enumerate(words[1:]):
        parts.append(" " * (each + (1 if at < more else 0)) + word)
    return "".join(parts)


def columns(items, width=72, gap=2):
    """Items in columns, read downwards, as few lines as fit."""
    items = list(items)
    if not items:
        return ""
    for lines in range(1, len(items) + 1):
        parts = [items[start : start + lines] for start in range(0, len(items), lines)]
        widths = [max(len(item) for item in part) for part in parts]
        if sum(widths) + gap * (len(parts) - 1) <= width or lines == len(items):
            break
    rows = []
    for row in range(lines):
        cells = [part[row].ljust(size) for part, size in zip(parts, widths, strict=True) if row < len(part)]
        rows.append((" " * gap).join(cells).rstrip())
    return "\n".join(rows)
