/* Compiled at the end of quickjs.c. Strings in JSON are mostly units that stand there as they are: these are copied in
   one piece, up to the next one that does not. */

static bool is_plain(uint32_t unit, uint32_t most) {
  return unit >= 0x20 && unit != '"' && unit != '\\' && unit <= most;
}

/* How many bytes, from the first one on, are plain and at most `most`. */
static size_t plain_bytes(const uint8_t* bytes, size_t count, uint8_t most) {
  enum { block = 32 };
  size_t at = 0;
  for (; at + block <= count; at += block) { /* no branch within a block: the compiler takes many bytes at once */
    uint8_t special = 0;
    for (int i = 0; i < block; i++) {
      const uint8_t c = bytes[at + i];
      special |= (uint8_t)(c < 0x20) | (uint8_t)(c == '"') | (uint8_t)(c == '\\') | (uint8_t)(c > most);
    }
    if (special != 0) break;
  }
  while (at < count && is_plain(bytes[at], most)) at++;
  return at;
}

/* The same of UTF-16, where a pair of surrogates is plain. */
static size_t plain_units(const uint16_t* units, size_t count) {
  size_t at = 0;
  while (at < count && is_plain(units[at], UINT16_MAX)) {
    const bool pair = at + 1 < count && is_hi_surrogate(units[at]) && is_lo_surrogate(units[at + 1]);
    if (is_surrogate(units[at]) && !pair) break;
    at += pair ? 2 : 1;
  }
  return at;
}

/* The ASCII that a string in a JSON text begins with, up to its end or a place that needs a look. */
size_t dcp_json_plain_ascii(const uint8_t* text, size_t count) { return plain_bytes(text, count, 0x7F); }

static int escape_unit(StringBuffer* to, uint32_t unit) {
  static const char letters[] = {'b', 't', 'n', 0, 'f', 'r'}; /* of 8 to 13 */
  char text[8];
  int size = 2;
  text[0] = '\\';
  if (unit == '"' || unit == '\\') {
    text[1] = (char)unit;
  } else if (unit >= 8 && unit <= 13 && unit != 11) {
    text[1] = letters[unit - 8];
  } else {
    size = snprintf(text, sizeof text, "\\u%04x", unit);
  }
  return string_buffer_write8(to, (const uint8_t*)text, size);
}

/* Appends the string in quotes. Negative: an exception is pending. */
int dcp_json_quote(StringBuffer* to, JSString* string) {
  const uint32_t length = string->len;
  uint32_t at = 0;
  if (string_buffer_putc8(to, '"') != 0) return -1;
  while (at < length) {
    const uint32_t plain = string->is_wide_char ? plain_units(str16(string) + at, length - at)
                                                : plain_bytes(str8(string) + at, length - at, 0xFF);
    if (string_buffer_concat(to, string, at, at + plain) != 0) return -1;
    at += plain;
    if (at < length && escape_unit(to, string_get(string, at++)) != 0) return -1;
  }
  return string_buffer_putc8(to, '"');
}
